package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What applications knows of the money, from funding's events. They may come in any order and more than once.
package struct GrantStanding: Sendable, Equatable {
    package enum News: Sendable, Equatable {
        case reserved(grant: UUID, cents: Int64)
        case refused(grant: UUID, reason: String)
    }

    package enum State: String, Sendable, CaseIterable {
        case unknown
        case reserved
        case refused
    }

    package private(set) var state: State = .unknown
    package private(set) var grant: UUID?
    package private(set) var reservedCents: Int64?
    package private(set) var reason: String?
    /// Time of the latest event that is taken in.
    package private(set) var asOf: Date?

    package init() {}

    package init(_ news: News, at time: Date) {
        asOf = time
        switch news {
        case .reserved(let grant, let cents):
            (state, self.grant, reservedCents) = (.reserved, grant, cents)
        case .refused(let grant, let reason):
            (state, self.grant, self.reason) = (.refused, grant, reason)
        }
    }

    /// The later of the two; of equally late ones, the reservation. So every order of arrival ends in the same
    /// standing.
    package func merging(_ other: GrantStanding) -> GrantStanding {
        guard let asOf else { return other }
        guard let otherAsOf = other.asOf else { return self }
        if asOf != otherAsOf { return asOf > otherAsOf ? self : other }
        return state == .reserved ? self : other
    }
}
