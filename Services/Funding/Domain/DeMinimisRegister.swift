package import CofundingRules
package import Identifiers

/// Which ceiling a de minimis aid counts against.
package enum DeMinimisKind: String, Sendable, CaseIterable {
    case general = "général"
    /// For a service of general economic interest.
    case sgei = "SIEG"
}

/// A de minimis aid that was granted, as its register has it.
package struct DeMinimisGrant: Sendable, Equatable {
    package let beneficiary: SIREN
    /// The members of its single undertaking, the beneficiary among them.
    package let undertaking: Set<SIREN>
    /// The day on which the right to it was conferred.
    package var grantedOn: CalendarDay
    package var cents: Int64
    package var kind: DeMinimisKind
    /// The regulation, such as `règlement (UE) 2023/2831`.
    package var legalBasis: String
    package var authority: String
    package var reference: String

    /// - Parameter undertaking: with the beneficiary or without it.
    package init(
        beneficiary: SIREN, undertaking: Set<SIREN>, grantedOn: CalendarDay, cents: Int64, kind: DeMinimisKind,
        legalBasis: String, authority: String, reference: String
    ) {
        self.beneficiary = beneficiary
        self.undertaking = undertaking.union([beneficiary])
        self.grantedOn = grantedOn
        self.cents = cents
        self.kind = kind
        self.legalBasis = legalBasis
        self.authority = authority
        self.reference = reference
    }
}

/// An aid with what the ceiling left behind it: one row of the register.
package struct DeMinimisEntry: Sendable, Equatable {
    package let grant: DeMinimisGrant
    /// From 0, on the day of the grant.
    package let roomLeftCents: Int64

    /// - Parameter room: what there was for this undertaking on the day of the grant, before it.
    /// - Throws: `FundingError.invalid` with the field at fault.
    package init(_ grant: DeMinimisGrant, room: DeMinimisRoom) throws(FundingError) {
        guard room.day == grant.grantedOn else {
            throw .invalid(field: "/grantedOn", expected: "\(room.day), the day the room was found for")
        }
        guard room.isSGEI == (grant.kind == .sgei) else {
            throw .invalid(field: "/kind", expected: "the kind of aid that the room was found for")
        }
        guard grant.cents <= room.roomCents else {
            throw .invalid(field: "/amountCents", expected: "at most \(room.roomCents), which the ceiling leaves")
        }
        try self.init(grant, roomLeftCents: room.roomCents - max(0, grant.cents))
    }

    /// For an aid whose room was found before.
    package init(_ grant: DeMinimisGrant, roomLeftCents: Int64) throws(FundingError) {
        try Checks.amount(grant.cents, field: "/amountCents")
        guard (0...Checks.centsMax).contains(roomLeftCents) else {
            throw .invalid(field: "/roomLeftCents", expected: "0 to \(Checks.centsMax) cents")
        }
        for (text, field) in [
            (grant.legalBasis, "/legalBasis"), (grant.authority, "/authority"), (grant.reference, "/reference"),
        ] {
            if let flaw = PublishedText.flaw(in: text) { throw .invalid(field: field, expected: flaw.mend) }
        }
        self.grant = grant
        self.roomLeftCents = roomLeftCents
    }
}
