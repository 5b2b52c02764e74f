package import CofundingRules

/// De minimis aid of another authority, as an undertaking declares it. What this programme granted is in its own
/// register and not declared again.
package struct EarlierAid: Sendable, Equatable {
    package let aid: DeMinimisAid
    /// Who granted it.
    package let authority: String

    package init(aid: DeMinimisAid, authority: String) {
        self.aid = aid
        self.authority = authority
    }
}

/// What aid to an undertaking rests on, as it is declared.
package enum DeclaredBasis: Sendable, Equatable {
    case nonEconomic
    case gber(work: KindOfWork, size: EnterpriseSize, isCollaboration: Bool)
    case deMinimis(earlier: [EarlierAid], fiscalYearStart: FiscalYearStart, isSGEI: Bool)

    package static let earlierCountMax = 1_000
    package static let authorityLengthMax = 200

    package enum Kind: String, Sendable, CaseIterable {
        case nonEconomic = "non-economic"
        case gber
        case deMinimis = "de-minimis"
    }

    package var kind: Kind {
        switch self {
        case .nonEconomic: .nonEconomic
        case .gber: .gber
        case .deMinimis: .deMinimis
        }
    }

    package var earlier: [EarlierAid] {
        if case .deMinimis(let earlier, _, _) = self { earlier } else { [] }
    }

    /// - Parameter place: JSON pointer of the basis.
    package func check(at place: String) throws(FundingError) {
        guard earlier.count <= Self.earlierCountMax else {
            throw .invalid(field: "\(place)/previousAids", expected: "at most \(Self.earlierCountMax)")
        }
        for (index, earlier) in earlier.enumerated() {
            let place = "\(place)/previousAids/\(index)"
            try Checks.amount(earlier.aid.cents, field: "\(place)/amountCents")
            try Checks.siren(earlier.aid.siren, field: "\(place)/siren")
            try Checks.line(earlier.authority, upTo: Self.authorityLengthMax, field: "\(place)/authority")
        }
    }

    /// The basis of a grant.
    /// - Parameter registered: de minimis aid that this programme granted.
    package func ground(with registered: [DeMinimisAid]) -> AidBasis {
        switch self {
        case .nonEconomic: .nonEconomic
        case .gber(let work, let size, let isCollaboration):
            .gber(work: work, size: size, isCollaboration: isCollaboration)
        case .deMinimis(let earlier, let fiscalYearStart, let isSGEI):
            .deMinimis(
                previous: earlier.map(\.aid) + registered, fiscalYearStart: fiscalYearStart, isSGEI: isSGEI)
        }
    }
}

/// What a single undertaking declares of itself; its last declaration is in force.
package struct AidDeclaration: Sendable, Equatable {
    /// SIREN of the head, which names the undertaking.
    package let head: String
    /// All members, the head among them, in the order of their numbers.
    package let members: [String]
    package let basis: DeclaredBasis
    package let declaredOn: CalendarDay

    package static let memberCountMax = 500

    /// For reading from the store, which keeps only what `declare` made.
    package init(head: String, members: [String], basis: DeclaredBasis, declaredOn: CalendarDay) {
        self.head = head
        self.members = members
        self.basis = basis
        self.declaredOn = declaredOn
    }

    /// - Parameters:
    ///   - members: in any order; the head need not be named.
    ///   - today: in Europe/Paris.
    package static func declare(
        head: String, members: [String], basis: DeclaredBasis, declaredOn: CalendarDay, today: CalendarDay
    ) throws(FundingError) -> AidDeclaration {
        try Checks.siren(head, field: "/siren")
        guard members.count <= memberCountMax else {
            throw .invalid(field: "/members", expected: "at most \(memberCountMax)")
        }
        for (index, member) in members.enumerated() { try Checks.siren(member, field: "/members/\(index)") }
        guard declaredOn <= today else {
            throw .invalid(field: "/declaredOn", expected: "a day that is not in the future")
        }
        try basis.check(at: "/basis")
        let all = Set(members).union([head])
        for (index, earlier) in basis.earlier.enumerated() {
            // Aid to whoever is no member would not be counted, and a member that was forgotten is more likely.
            guard all.contains(earlier.aid.siren) else {
                throw .invalid(
                    field: "/basis/previousAids/\(index)/siren", expected: "the SIREN of the head or of a member")
            }
            guard earlier.aid.grantedOn <= declaredOn else {
                throw .invalid(
                    field: "/basis/previousAids/\(index)/grantedOn", expected: "a day not after \(declaredOn)")
            }
        }
        return AidDeclaration(head: head, members: all.sorted(), basis: basis, declaredOn: declaredOn)
    }
}

/// What the State-aid rules have to know of a beneficiary that has declared itself, when its grant is decided.
package struct BeneficiaryAid: Sendable, Equatable {
    /// SIREN of the undertaking's head.
    package let undertaking: String
    package let basis: AidBasis
    /// On which the right is conferred, in Europe/Paris.
    package let day: CalendarDay
    /// In force on that day; nil before the first ones.
    package let rules: StateAidRules?

    package init(undertaking: String, basis: AidBasis, day: CalendarDay, rules: StateAidRules?) {
        self.undertaking = undertaking
        self.basis = basis
        self.day = day
        self.rules = rules
    }
}
