import CofundingRules
import Testing

/// Worked cases and the table of intensities, as the texts give them.
@Suite struct StateAidTests {
    @Test(
        arguments: [
            // eligible cost, collaboration, intensity's cap, half of the cost, granted, binding rule
            ("A", 50_000_000, true, 30_000_000, 25_000_000, 25_000_000, CofundingRule.experimentRate),
            ("B", 50_000_000, false, 22_500_000, 25_000_000, 22_500_000, .gberIntensity),
            ("D", 80_000_000, true, 48_000_000, 40_000_000, 30_000_000, .experimentCeiling),
        ] as [(String, Int64, Bool, Int64, Int64, Int64, CofundingRule)])
    func workedCaseIsGrantedByItsRule(
        name: String, cost: Int64, isCollaboration: Bool, intensity: Int64, half: Int64, granted: Int64,
        binding: CofundingRule
    ) throws {
        // given: experimental development by a small undertaking
        let claim = ExperimentClaim(
            budgetCents: cost, eligibleCostCents: cost, requestedCents: cost,
            basis: .gber(work: .experimentalDevelopment, size: .small, isCollaboration: isCollaboration))
        // when
        let result = try Controls.rules().experimentGrant(
            claim, on: Controls.day("2023-03-15"), stateAid: .gber2014)
        // then
        #expect(result.grantedCents == granted, "\(name)")
        #expect(result.bindingRule == binding)
        #expect(
            result.derivation.map(\.rule) == [.experimentRate, .experimentCeiling, .gberIntensity, .requestedAmount])
        #expect(result.derivation.map(\.valueCents) == [half, 30_000_000, intensity, cost])
        #expect(result.derivation.filter(\.isBinding).map(\.rule) == [binding])
        let article = StateAidRules.gber2014.intensities.source
        #expect(
            result.derivation.map(\.source) == [
                Controls.callSource, Controls.callSource, article, CofundingRuleSet.requestSource,
            ])
        #expect(result.stateAidRules == "gber-2014")
    }

    @Test(
        arguments: [
            (KindOfWork.fundamentalResearch, EnterpriseSize.small, 10_000, 10_000),
            (.fundamentalResearch, .medium, 10_000, 10_000),
            (.fundamentalResearch, .large, 10_000, 10_000),
            (.industrialResearch, .small, 7000, 8000),
            (.industrialResearch, .medium, 6000, 7500),
            (.industrialResearch, .large, 5000, 6500),
            (.experimentalDevelopment, .small, 4500, 6000),
            (.experimentalDevelopment, .medium, 3500, 5000),
            (.experimentalDevelopment, .large, 2500, 4000),
            (.feasibilityStudy, .small, 7000, 7000),
            (.feasibilityStudy, .medium, 6000, 6000),
            (.feasibilityStudy, .large, 5000, 5000),
        ])
    func intensityIsThatOfTheTable(work: KindOfWork, size: EnterpriseSize, alone: Int, together: Int) {
        let intensities = StateAidRules.gber2014.intensities
        #expect(intensities.intensity(of: work, size: size, isCollaboration: false).basisPoints == alone)
        #expect(intensities.intensity(of: work, size: size, isCollaboration: true).basisPoints == together)
    }

    @Test(
        arguments: [
            (KindOfWork.industrialResearch, EnterpriseSize.small, 7000),
            (.industrialResearch, .medium, 6500), (.industrialResearch, .large, 6500),
            (.experimentalDevelopment, .small, 4500), (.experimentalDevelopment, .medium, 4000),
            (.experimentalDevelopment, .large, 4000), (.feasibilityStudy, .small, 7000),
        ])
    func higherBonusCountsWhereBonusesDoNotAddUp(work: KindOfWork, size: EnterpriseSize, expected: Int) throws {
        let intensities = try Controls.stateAid(bonusesCumulate: false).intensities
        #expect(intensities.intensity(of: work, size: size, isCollaboration: true).basisPoints == expected)
    }

    @Test func intensityTellsWhatItFollowsFrom() {
        let intensity = StateAidRules.gber2014.intensities.intensity(
            of: .industrialResearch, size: .small, isCollaboration: true)
        #expect(
            intensity.inputs == [
                "base 50 %", "size +20 %", "collaboration +15 %", "bonuses add up", "ceiling 80 %", "intensity 80 %",
            ])
    }

    @Test func withoutEconomicActivityOnlyTheCallBinds() throws {
        // given
        let claim = ExperimentClaim(
            budgetCents: 50_000_000, eligibleCostCents: 0, requestedCents: 50_000_000, basis: .nonEconomic)
        // when
        let result = try Controls.rules().experimentGrant(claim, on: Controls.day("1999-01-01"), stateAid: nil)
        // then
        #expect(result.grantedCents == 25_000_000)
        #expect(result.bindingRule == .experimentRate)
        let step = try #require(result.derivation.first { $0.rule == .nonEconomic })
        #expect(!step.isBinding && !step.rule.isCap)
        #expect(step.valueCents == 50_000_000)
        #expect(step.source == "no economic activity, therefore not State aid")
        #expect(result.stateAidRules == nil)
    }

    @Test func withoutEconomicActivityNoRuleBindsThatSetsNoCap() throws {
        // given: a rate of the whole, so that the budget is as low as the rate and the request is lower
        let rules = try Controls.rules(experimentRate: 10_000)
        for (budget, requested, binding) in [
            (0, 0, CofundingRule.experimentRate), (10, 10, .experimentRate), (10, 9, .requestedAmount),
        ] as [(Int64, Int64, CofundingRule)] {
            let claim = ExperimentClaim(
                budgetCents: budget, eligibleCostCents: 0, requestedCents: requested, basis: .nonEconomic)
            // when
            let result = try rules.experimentGrant(claim, on: Controls.day("2024-01-01"), stateAid: nil)
            // then
            #expect(result.bindingRule == binding)
        }
    }

    @Test func animationIsBoundByStateAidWhereABasisIsGiven() throws {
        // given
        var claim = AnimationClaim(
            budgetCents: 200_000_000, eligibleCostCents: 100_000_000, requestedCents: 150_000_000,
            structureType: "etablissement_sante_public",
            basis: .gber(work: .feasibilityStudy, size: .medium, isCollaboration: true))
        let rules = try Controls.rules()
        let day = try Controls.day("2024-05-01")
        // when
        let bound = try rules.animationGrant(claim, on: day, stateAid: .gber2014)
        claim.basis = nil
        let free = try rules.animationGrant(claim, on: day, stateAid: nil)
        // then
        #expect(bound.grantedCents == 60_000_000 && bound.bindingRule == .gberIntensity)
        #expect(
            bound.derivation.map(\.rule) == [.animationRate, .animationCeiling, .gberIntensity, .requestedAmount])
        #expect(
            try free
                == rules.animationGrant(
                    budgetCents: 200_000_000, requestedCents: 150_000_000,
                    structureType: "etablissement_sante_public"))
        #expect(throws: CofundingRulesError.noCeiling(structureType: "cro")) {
            claim.structureType = "cro"
            _ = try rules.animationGrant(claim, on: day, stateAid: nil)
        }
    }

    @Test func equalValuesAreDecidedByTheOrderOfTheRules() throws {
        // given: rate, ceiling, intensity and request all allow 10 cents
        let day = try Controls.day("2024-05-01")
        func binding(rate: Int, ceiling: Int64, cost: Int64, requested: Int64) throws -> CofundingRule {
            let claim = ExperimentClaim(
                budgetCents: 20, eligibleCostCents: cost, requestedCents: requested,
                basis: .gber(work: .industrialResearch, size: .large, isCollaboration: false))
            return try Controls.rules(experimentRate: rate, experimentCeiling: ceiling)
                .experimentGrant(claim, on: day, stateAid: .gber2014).bindingRule
        }
        #expect(try binding(rate: 5000, ceiling: 10, cost: 20, requested: 10) == .experimentRate)
        #expect(try binding(rate: 6000, ceiling: 10, cost: 20, requested: 10) == .experimentCeiling)
        #expect(try binding(rate: 6000, ceiling: 11, cost: 20, requested: 10) == .gberIntensity)
        #expect(try binding(rate: 6000, ceiling: 11, cost: 22, requested: 10) == .requestedAmount)
    }
}
