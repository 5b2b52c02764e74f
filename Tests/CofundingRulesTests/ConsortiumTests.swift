import CofundingRules
import Testing

@Suite struct ConsortiumTests {
    private static func partner(
        _ budget: Int64, requested: Int64? = nil, _ basis: AidBasis = .nonEconomic, _ group: String = "a"
    ) -> ConsortiumPartner {
        ConsortiumPartner(
            budgetCents: budget, eligibleCostCents: budget, requestedCents: requested ?? budget, basis: basis,
            undertakingGroup: group)
    }

    private static let smallDevelopment = AidBasis.gber(
        work: .experimentalDevelopment, size: .small, isCollaboration: true)

    private static func grant(
        _ partners: [ConsortiumPartner], for purpose: FundedPurpose = .experiment, ceiling: Int64 = 30_000_000
    ) throws -> ConsortiumResult {
        try Controls.rules(experimentCeiling: ceiling).consortiumGrant(
            partners, for: purpose, on: Controls.day("2024-05-01"), stateAid: .gber2014)
    }

    @Test func partnersWithinTheProjectsCapsGetWhatTheyMayBeGranted() throws {
        // given: 60 % of 200,000 € beside a hospital that asks for little
        let result = try Self.grant([
            Self.partner(20_000_000, Self.smallDevelopment), Self.partner(30_000_000, requested: 5_000_000),
        ])
        // then
        #expect(result.partners.map(\.grantedCents) == [12_000_000, 5_000_000])
        #expect(result.partners.map(\.bindingRule) == [.gberIntensity, .requestedAmount])
        #expect(result.project.grantedCents == 17_000_000)
        #expect(result.project.bindingRule == .partnerSum)
        #expect(result.project.derivation.map(\.rule) == [.experimentRate, .experimentCeiling, .partnerSum])
        #expect(result.project.derivation.map(\.valueCents) == [25_000_000, 30_000_000, 17_000_000])
    }

    @Test func rateOfTheWholeBudgetLowersEverybodyInProportion() throws {
        // given: own caps of 120,000 € and 200,000 € against half of 400,000 €
        let result = try Self.grant([Self.partner(20_000_000, Self.smallDevelopment), Self.partner(20_000_000)])
        // then
        #expect(result.project.grantedCents == 20_000_000 && result.project.bindingRule == .experimentRate)
        #expect(result.partners.map(\.grantedCents) == [7_500_000, 12_500_000])
        #expect(result.partners.map(\.bindingRule) == [.projectShare, .projectShare])
        #expect(
            result.partners[0].derivation.map(\.rule) == [
                .gberIntensity, .partnerBudget, .requestedAmount, .projectShare,
            ])
        #expect(result.partners[0].derivation.map(\.valueCents) == [12_000_000, 20_000_000, 20_000_000, 7_500_000])
        #expect(
            result.partners[0].derivation.map(\.source) == [
                StateAidRules.gber2014.intensities.source, CofundingRuleSet.budgetSource,
                CofundingRuleSet.requestSource, CofundingRuleSet.shareSource,
            ])
    }

    @Test func ceilingOfTheProjectIsSplitToTheCent() throws {
        let result = try Self.grant(
            [
                Self.partner(100_000_000, requested: 20_000_000), Self.partner(100_000_000, requested: 20_000_000),
                Self.partner(100_000_000, requested: 20_000_000),
            ], ceiling: 10_000_000)
        #expect(result.project.bindingRule == .experimentCeiling)
        #expect(result.partners.map(\.grantedCents) == [3_333_334, 3_333_333, 3_333_333])
    }

    @Test func partnerThatMayBeGrantedNothingKeepsItsOwnRule() throws {
        // given
        let full = try Controls.aid("2024-01-15", 30_000_000)
        let used = AidBasis.deMinimis(previous: [full], fiscalYearStart: .january, isSGEI: false)
        // when
        let result = try Self.grant([Self.partner(40_000_000, used), Self.partner(40_000_000, .nonEconomic, "b")])
        // then
        #expect(result.partners.map(\.grantedCents) == [0, 30_000_000])
        #expect(result.partners.map(\.bindingRule) == [.deMinimisRoom, .projectShare])
        #expect(result.partners[0].deMinimisRoom?.counted == [full])
        #expect(result.project.stateAidRules == "gber-2014")
    }

    @Test func partnersOfOneUndertakingShareItsRoom() throws {
        // given: 100,000 € left for two partners that want 200,000 € and 100,000 €, and as much for a third alone
        let before = try Controls.aid("2024-01-15", 20_000_000)
        let basis = AidBasis.deMinimis(previous: [before], fiscalYearStart: .january, isSGEI: false)
        let partners = [
            Self.partner(80_000_000, requested: 20_000_000, basis, "a"),
            Self.partner(80_000_000, requested: 10_000_000, basis, "b"),
            Self.partner(80_000_000, requested: 10_000_000, basis, "a"),
        ]
        // when
        let result = try Self.grant(partners)
        // then
        #expect(result.partners.map(\.grantedCents) == [6_666_667, 10_000_000, 3_333_333])
        #expect(result.partners.map(\.bindingRule) == [.deMinimisRoom, .deMinimisRoom, .deMinimisRoom])
        #expect(
            result.partners[0].derivation[0].inputs.last == "room 10000000 shared by 2 of one undertaking")
    }

    @Test func animationHasTheCeilingOfItsLead() throws {
        let partners = [Self.partner(100_000_000), Self.partner(50_000_000)]
        let result = try Self.grant(partners, for: .animation(structureType: "esms"))
        #expect(result.project.grantedCents == 37_500_000 && result.project.bindingRule == .animationCeiling)
        #expect(result.partners.map(\.grantedCents) == [25_000_000, 12_500_000])
        #expect(throws: CofundingRulesError.noCeiling(structureType: "cro")) {
            try Self.grant(partners, for: .animation(structureType: "cro"))
        }
    }

    @Test func largestAmountsDoNotOverflow() throws {
        let result = try Self.grant([Self.partner(.max), Self.partner(.max), Self.partner(.max)], ceiling: .max)
        #expect(result.project.bindingRule == .experimentRate)
        let sum = result.partners.reduce(Int128(0)) { $0 + Int128($1.grantedCents) }
        #expect(sum == Int128(result.project.grantedCents))
    }

    @Test func inputThatCannotBeGrantedIsRefusedByPlace() throws {
        #expect(throws: CofundingRulesError.emptyInput(field: "partners")) { try Self.grant([]) }
        #expect(throws: CofundingRulesError.negativeAmount(field: "partners/1/budgetCents")) {
            try Self.grant([Self.partner(1), Self.partner(-1)])
        }
        #expect(throws: CofundingRulesError.negativeAmount(field: "partners/0/requestedCents")) {
            try Self.grant([Self.partner(1, requested: -1)])
        }
        #expect(throws: CofundingRulesError.self) {
            try Controls.rules().consortiumGrant(
                [Self.partner(1), Self.partner(1, Self.smallDevelopment)], for: .experiment,
                on: Controls.day("2024-05-01"), stateAid: nil)
        }
    }
}
