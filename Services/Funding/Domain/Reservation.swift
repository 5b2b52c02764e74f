package import struct FoundationEssentials.UUID

package enum ReservationState: String, Sendable {
    case held
    case letGo = "let-go"
}

/// Money of an envelope that an operator sets aside by hand, for a grant outside the ranks or an appeal that is
/// pending. Nothing else can have it until it is let go.
package struct Reservation: Sendable, Equatable {
    package let id: UUID
    package let envelope: UUID
    package let beneficiarySiren: String
    package let amountCents: Int64
    package let purpose: String
    package private(set) var state: ReservationState

    package static let purposeLengthMax = 500

    /// For reading from the store, which keeps only what `claim` and `letGo` made.
    package init(
        id: UUID, envelope: UUID, beneficiarySiren: String, amountCents: Int64, purpose: String,
        state: ReservationState
    ) {
        self.id = id
        self.envelope = envelope
        self.beneficiarySiren = beneficiarySiren
        self.amountCents = amountCents
        self.purpose = purpose
        self.state = state
    }

    /// What an operator asks for, checked. Whether the envelope holds it is `EnvelopeDesk`'s to say.
    package static func claim(
        id: UUID, envelope: UUID, beneficiarySiren: String, amountCents: Int64, purpose: String
    ) throws(FundingError) -> Reservation {
        try Checks.siren(beneficiarySiren, field: "/beneficiarySiren")
        try Checks.amount(amountCents, field: "/amountCents")
        try Checks.line(purpose, upTo: purposeLengthMax, field: "/purpose")
        return Reservation(
            id: id, envelope: envelope, beneficiarySiren: beneficiarySiren, amountCents: amountCents, purpose: purpose,
            state: .held)
    }

    package var holding: Transfer { .hold(self) }

    /// The money is the envelope's again.
    package mutating func letGo() throws(FundingError) -> Transfer {
        guard state == .held else { throw .reservationLetGo }
        state = .letGo
        return .letGo(self)
    }
}

/// Decides about all who want money of one envelope at the same time, in the order in which they came.
package enum EnvelopeDesk {
    /// - Parameters:
    ///   - amounts: what each asks for, above 0.
    ///   - availableCents: what the envelope holds, under its lock.
    /// - Returns: for each, nil when it is served, else what is left for it.
    package static func serve(_ amounts: [Int64], availableCents: Int64) -> [Int64?] {
        var left = availableCents
        return amounts.map { amount in
            guard amount <= left else { return left }
            left -= amount
            return nil
        }
    }
}
