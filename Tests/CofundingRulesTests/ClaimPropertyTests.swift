import CofundingRules
import Testing

/// What holds for every claim, over 20,000 seeded ones.
@Suite struct ClaimPropertyTests {
    private static let count = 20_000

    @Test func grantIsNeverAboveACapAndOneStepBindsWhoseValueItIs() throws {
        var random = RandomClaims(seed: 0x436C_6169_6D73_2031)
        let rules = try Controls.rules()
        for _ in 0..<Self.count {
            // given
            let claim = try random.experiment()
            let day = try random.day()
            // when
            let result = try rules.experimentGrant(claim, on: day, stateAid: .gber2014)
            // then
            #expect(result.grantedCents >= 0)
            #expect(result.derivation.allSatisfy { result.grantedCents <= $0.valueCents })
            let binding = result.derivation.filter(\.isBinding)
            #expect(binding.map(\.valueCents) == [result.grantedCents])
            #expect(binding.map(\.rule) == [result.bindingRule])
            #expect(result.bindingRule.isCap)
            // Half of the budget and the ceiling, apart from how the code computes them.
            #expect(Int128(result.grantedCents) * 2 <= Int128(claim.budgetCents))
            #expect(result.grantedCents <= 30_000_000 && result.grantedCents <= claim.requestedCents)
            let order = result.derivation.map { CofundingRule.allCases.firstIndex(of: $0.rule) ?? -1 }
            #expect(order == order.sorted())
            #expect(result.derivation.allSatisfy { !$0.source.isEmpty })
        }
    }

    @Test func requestingMoreNeverYieldsLess() throws {
        var random = RandomClaims(seed: 0x436C_6169_6D73_2032)
        let rules = try Controls.rules()
        for _ in 0..<Self.count {
            // given
            var claim = try random.experiment()
            let day = try random.day()
            let before = try rules.experimentGrant(claim, on: day, stateAid: .gber2014).grantedCents
            // when
            claim.requestedCents += random.cents()
            let after = try rules.experimentGrant(claim, on: day, stateAid: .gber2014).grantedCents
            // then
            #expect(after >= before)
        }
    }

    @Test func consortiumSumsExactlyAndNobodyIsAboveItsOwnCap() throws {
        var random = RandomClaims(seed: 0x436C_6169_6D73_2033)
        for _ in 0..<Self.count {
            // given
            let partners = try random.partners()
            let rules = try Controls.rules(experimentCeiling: 1 + random.cents())
            let day = try random.day()
            // when
            let result = try rules.consortiumGrant(partners, for: .experiment, on: day, stateAid: .gber2014)
            // then
            let project = result.project.grantedCents
            #expect(result.partners.reduce(Int128(0)) { $0 + Int128($1.grantedCents) } == Int128(project))
            #expect(project <= rules.experimentCeilingCents)
            let budgets = partners.reduce(Int128(0)) { $0 + Int128($1.budgetCents) }
            #expect(Int128(project) * 2 <= budgets)
            for (partner, own) in zip(partners, result.partners) {
                #expect(own.derivation.allSatisfy { own.grantedCents <= $0.valueCents })
                #expect(own.derivation.filter(\.isBinding).map(\.valueCents) == [own.grantedCents])
                #expect(own.grantedCents <= min(partner.budgetCents, partner.requestedCents))
                let alone = try partner.alone(under: rules, on: day)
                #expect(own.grantedCents <= alone, "more than the partner might be granted by itself")
            }
            for group in ["a", "b"] {
                let sharing = partners.indices.filter {
                    partners[$0].undertakingGroup == group && result.partners[$0].deMinimisRoom != nil
                }
                let room = sharing.compactMap { result.partners[$0].deMinimisRoom?.roomCents }.min() ?? 0
                #expect(sharing.reduce(0) { $0 + result.partners[$1].grantedCents } <= room, "one room for all")
            }
            let wasLowered = result.project.bindingRule != .partnerSum
            #expect(result.partners.allSatisfy { ($0.derivation.last?.rule == .projectShare) == wasLowered })
        }
    }
}

extension ConsortiumPartner {
    /// What the basis allows, by a single claim whose other caps do not bind.
    fileprivate func alone(under rules: CofundingRuleSet, on day: CalendarDay) throws -> Int64 {
        let claim = ExperimentClaim(
            budgetCents: .max, eligibleCostCents: eligibleCostCents, requestedCents: requestedCents, basis: basis)
        return try rules.experimentGrant(claim, on: day, stateAid: .gber2014).derivation
            .filter { [.gberIntensity, .deMinimisRoom].contains($0.rule) }.map(\.valueCents).min() ?? .max
    }
}

/// Claims of every basis and magnitude, on days when the published rules are in force.
private struct RandomClaims {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Up to 10^15, near the ceilings, or next to nothing.
    mutating func cents() -> Int64 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Int64.random(in: 0...1_000_000_000_000_000, using: &random)
        case 1: Int64.random(in: 0...9, using: &random)
        default: Int64.random(in: 0...90_000_000, using: &random)
        }
    }

    mutating func day() throws -> CalendarDay {
        try date(years: 2015...2030)
    }

    private mutating func date(years: ClosedRange<Int>) throws -> CalendarDay {
        while true {
            let day = CalendarDay(
                year: Int.random(in: years, using: &random), month: Int.random(in: 1...12, using: &random),
                day: Int.random(in: 1...31, using: &random))
            if let day { return day }
        }
    }

    mutating func basis() throws -> AidBasis {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return .nonEconomic
        case 1:
            return .gber(
                work: try #require(KindOfWork.allCases.randomElement(using: &random)),
                size: try #require(EnterpriseSize.allCases.randomElement(using: &random)),
                isCollaboration: .random(using: &random))
        default:
            let previous = try (0..<Int.random(in: 0...4, using: &random)).map { _ in
                DeMinimisAid(
                    grantedOn: try date(years: 2012...2030), cents: Int64.random(in: 0...20_000_000, using: &random),
                    siren: Bool.random(using: &random) ? "552100554" : "542065479")
            }
            let start = FiscalYearStart(month: Int.random(in: 1...12, using: &random), day: 1)
            return .deMinimis(
                DeMinimisDeclaration(
                    previous: previous, members: Bool.random(using: &random) ? nil : ["552100554"],
                    fiscalYearStart: try #require(start), isSGEI: .random(using: &random)))
        }
    }

    mutating func experiment() throws -> ExperimentClaim {
        ExperimentClaim(
            budgetCents: cents(), eligibleCostCents: cents(), requestedCents: cents(), basis: try basis())
    }

    mutating func partners() throws -> [ConsortiumPartner] {
        try (0..<Int.random(in: 1...5, using: &random)).map { _ in
            ConsortiumPartner(
                budgetCents: cents(), eligibleCostCents: cents(), requestedCents: cents(), basis: try basis(),
                undertakingGroup: Bool.random(using: &random) ? "a" : "b")
        }
    }
}
