package import struct FoundationEssentials.UUID

/// What an envelope pays for.
package enum EnvelopePurpose: String, Sendable, CaseIterable {
    case animation
    case experiments
}

/// The money that a published call announced.
package struct CallFunds: Sendable, Equatable {
    package let call: UUID
    package let animationCents: Int64
    package let experimentsCents: Int64

    package init(call: UUID, animationCents: Int64, experimentsCents: Int64) {
        self.call = call
        self.animationCents = animationCents
        self.experimentsCents = experimentsCents
    }

    package func limitCents(for purpose: EnvelopePurpose) -> Int64 {
        switch purpose {
        case .animation: animationCents
        case .experiments: experimentsCents
        }
    }
}

/// Money of one call for one purpose. What is left of it is the balance of its ledger account.
package struct Envelope: Sendable, Equatable {
    package let id: UUID
    package let call: UUID
    package let purpose: EnvelopePurpose
    package let amountCents: Int64

    package init(id: UUID, call: UUID, purpose: EnvelopePurpose, amountCents: Int64) {
        self.id = id
        self.call = call
        self.purpose = purpose
        self.amountCents = amountCents
    }

    /// - Parameter funds: of the call; nil while its publication has not arrived.
    package static func open(
        id: UUID, purpose: EnvelopePurpose, amountCents: Int64, of funds: CallFunds?
    ) throws(FundingError) -> (envelope: Envelope, transfer: Transfer) {
        try Checks.amount(amountCents, field: "/amountCents")
        guard let funds else { throw .callNotKnown }
        let limit = funds.limitCents(for: purpose)
        guard amountCents <= limit else { throw .aboveCall(limitCents: limit) }
        let envelope = Envelope(id: id, call: funds.call, purpose: purpose, amountCents: amountCents)
        return (envelope, .open(envelope))
    }
}
