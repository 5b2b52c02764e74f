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

    /// - Parameters:
    ///   - funds: of the call; nil while its publication has not arrived.
    ///   - part: of the programme, with what it still holds; nil before the programme is opened.
    package static func open(
        id: UUID, purpose: EnvelopePurpose, amountCents: Int64, of funds: CallFunds?,
        from part: (id: UUID, balanceCents: Int64)?
    ) throws(FundingError) -> (envelope: Envelope, transfer: Transfer) {
        try Checks.amount(amountCents, field: "/amountCents")
        guard let part else { throw .programmeNotOpen }
        guard let funds else { throw .callNotKnown }
        let limit = funds.limitCents(for: purpose)
        guard amountCents <= limit else { throw .aboveCall(limitCents: limit) }
        guard amountCents <= part.balanceCents else { throw .programmeExhausted(availableCents: part.balanceCents) }
        let envelope = Envelope(id: id, call: funds.call, purpose: purpose, amountCents: amountCents)
        return (envelope, .fund(envelope, from: part.id))
    }

    /// Raises or lowers the envelope; what is set aside of it cannot be taken.
    /// - Parameters:
    ///   - cents: below 0 to lower it.
    ///   - balances: what is left of the envelope, and what its part of the programme still holds.
    ///   - change: names the command.
    package func adjust(
        by cents: Int64, of funds: CallFunds, from part: UUID, balances: (envelope: Int64, part: Int64), change: UUID
    ) throws(FundingError) -> Transfer {
        guard cents != 0, cents.magnitude <= Checks.centsMax else {
            throw .invalid(field: "/changeCents", expected: "a whole number of cents other than 0")
        }
        let limit = funds.limitCents(for: purpose)
        guard amountCents + cents <= limit else { throw .aboveCall(limitCents: limit) }
        guard cents <= balances.part else { throw .programmeExhausted(availableCents: balances.part) }
        guard -cents <= balances.envelope, amountCents + cents > 0 else {
            throw .envelopeExhausted(availableCents: balances.envelope)
        }
        return .adjust(id, by: cents, part: part, change: change)
    }
}
