package import struct FoundationEssentials.UUID

/// The money of the whole programme, what of it is meant for which purpose, and what is not allotted yet.
package struct Programme: Sendable, Equatable {
    /// One purpose's share of the programme.
    package struct Part: Sendable, Equatable {
        package let id: UUID
        package let purpose: EnvelopePurpose

        package init(id: UUID, purpose: EnvelopePurpose) {
            self.id = id
            self.purpose = purpose
        }
    }

    package let id: UUID
    package let name: String
    package let amountCents: Int64
    package let parts: [Part]

    package static let nameLengthMax = 200
    package static let reasonLengthMax = 500

    /// For reading from the store, which keeps only what `open` made.
    package init(id: UUID, name: String, amountCents: Int64, parts: [Part]) {
        self.id = id
        self.name = name
        self.amountCents = amountCents
        self.parts = parts
    }

    /// Opens the programme and allots its parts; what they leave is allotted later.
    /// - Parameters:
    ///   - allottedCents: for each purpose, from 0.
    ///   - nextID: gives a new identifier: for the programme, for each part, for each allotment.
    /// - Returns: the programme, and its transfers: the first opens it, the others allot.
    package static func open(
        name: String, amountCents: Int64, allottedCents: [EnvelopePurpose: Int64], nextID: () -> UUID
    ) throws(FundingError) -> (programme: Programme, opening: Transfer, allotments: [Transfer]) {
        try Checks.line(name, upTo: nameLengthMax, field: "/name")
        try Checks.amount(amountCents, field: "/amountCents")
        var left = amountCents
        for purpose in EnvelopePurpose.allCases {
            let cents = allottedCents[purpose, default: 0]
            guard (0...left).contains(cents) else {
                throw .invalid(
                    field: "/\(purpose.rawValue)Cents", expected: "0 to \(left): the parts together are in the amount")
            }
            left -= cents
        }
        let programme = Programme(
            id: nextID(), name: name, amountCents: amountCents,
            parts: EnvelopePurpose.allCases.map { Part(id: nextID(), purpose: $0) })
        let allotments = programme.parts.compactMap { part -> Transfer? in
            let cents = allottedCents[part.purpose, default: 0]
            return cents > 0 ? .allot(cents, of: programme.id, to: part.id, change: nextID()) : nil
        }
        return (programme, .open(programme), allotments)
    }

    /// Moves money between what is not allotted and a part.
    /// - Parameters:
    ///   - cents: to the part; below 0 back from it.
    ///   - fromBalanceCents: what the account that it leaves holds: the programme's, or the part's.
    package func allot(
        _ cents: Int64, to part: Part, fromBalanceCents: Int64, reason: String, change: UUID
    ) throws(FundingError) -> Transfer {
        try Checks.line(reason, upTo: Self.reasonLengthMax, field: "/reason")
        guard cents != 0, cents.magnitude <= Checks.centsMax else {
            throw .invalid(field: "/changeCents", expected: "a whole number of cents other than 0")
        }
        guard cents.magnitude <= max(0, fromBalanceCents) else {
            throw .programmeExhausted(availableCents: fromBalanceCents)
        }
        return .allot(cents, of: id, to: part.id, change: change)
    }

    package func part(for purpose: EnvelopePurpose) -> Part? { parts.first { $0.purpose == purpose } }
}
