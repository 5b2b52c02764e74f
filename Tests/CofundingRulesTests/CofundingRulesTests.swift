import CofundingRules
import Testing

import struct FoundationEssentials.Date

/// The published ceilings as far as they are known: 375 k€ to 1.5 M€ by typology, 300 k€ and 50 % per experiment.
private func rules(
    name: String = "aap-tle-2022", validFrom: Double = 0, animationRate: Int = 5000, experimentRate: Int = 5000
) throws -> CofundingRuleSet {
    try CofundingRuleSet(
        name: name, validFrom: Date(timeIntervalSince1970: validFrom),
        animation: RateAndCeilings(
            basisPoints: animationRate,
            ceilingCents: ["etablissement_sante_public": 150_000_000, "esms": 37_500_000]),
        experiment: RateAndCeiling(basisPoints: experimentRate, ceilingCents: 30_000_000),
        source: "arrêté du 17 février 2022, NOR PRMI2204762A")
}

@Suite struct AnimationGrants {
    @Test(
        arguments: [
            // budget, requested, structure type, granted, binding rule
            (200_000_000, 150_000_000, "etablissement_sante_public", 100_000_000, CofundingRule.animationRate),
            (400_000_000, 200_000_000, "etablissement_sante_public", 150_000_000, .animationCeiling),
            (400_000_000, 120_000_000, "etablissement_sante_public", 120_000_000, .requestedAmount),
            (100_000_000, 60_000_000, "esms", 37_500_000, .animationCeiling),
            (75_000_000, 37_500_000, "esms", 37_500_000, .animationRate),
            (100_000_000, 37_500_000, "esms", 37_500_000, .animationCeiling),
            (1, 1, "esms", 0, .animationRate),
            (3, 2, "esms", 1, .animationRate),
            (0, 0, "esms", 0, .animationRate),
        ] as [(Int64, Int64, String, Int64, CofundingRule)])
    func grantIsTheLowestOfRateCeilingAndRequest(
        budget: Int64, requested: Int64, structureType: String, granted: Int64, binding: CofundingRule
    ) throws {
        // when
        let result = try rules().animationGrant(
            budgetCents: budget, requestedCents: requested, structureType: structureType)
        // then
        #expect(result.grantedCents == granted)
        #expect(result.bindingRule == binding)
    }

    @Test func derivationNamesEveryRuleWithItsSourceAndExactlyOneThatBinds() throws {
        // when
        let result = try rules().animationGrant(
            budgetCents: 123_456_789, requestedCents: 99_999_999, structureType: "etablissement_sante_public")
        // then
        #expect(result.ruleSet == "aap-tle-2022")
        let published = "arrêté du 17 février 2022, NOR PRMI2204762A"
        #expect(
            result.derivation == [
                DerivationStep(rule: .animationRate, valueCents: 61_728_394, isBinding: true, source: published),
                DerivationStep(rule: .animationCeiling, valueCents: 150_000_000, isBinding: false, source: published),
                DerivationStep(
                    rule: .requestedAmount, valueCents: 99_999_999, isBinding: false,
                    source: CofundingRuleSet.requestSource),
            ])
    }

    @Test func unknownStructureTypeAndNegativeAmountsAreRefused() throws {
        let rules = try rules()
        #expect(throws: CofundingRulesError.noCeiling(structureType: "cro")) {
            try rules.animationGrant(budgetCents: 1, requestedCents: 1, structureType: "cro")
        }
        #expect(throws: CofundingRulesError.negativeAmount(field: "budgetCents")) {
            try rules.animationGrant(budgetCents: -1, requestedCents: 1, structureType: "esms")
        }
        #expect(throws: CofundingRulesError.negativeAmount(field: "requestedCents")) {
            try rules.animationGrant(budgetCents: 1, requestedCents: -1, structureType: "esms")
        }
    }
}

@Suite struct ExperimentGrants {
    @Test(
        arguments: [
            (80_000_000, 30_000_000, 30_000_000, CofundingRule.experimentCeiling),
            (80_000_000, 50_000_000, 30_000_000, .experimentCeiling),
            (60_000_000, 40_000_000, 30_000_000, .experimentRate),
            (59_999_999, 40_000_000, 29_999_999, .experimentRate),
            (80_000_000, 12_345_678, 12_345_678, .requestedAmount),
            (Int64.max, Int64.max, 30_000_000, .experimentCeiling),
        ] as [(Int64, Int64, Int64, CofundingRule)])
    func grantIsTheLowestOfRateCeilingAndRequest(
        budget: Int64, requested: Int64, granted: Int64, binding: CofundingRule
    ) throws {
        // when
        let result = try rules().experimentGrant(budgetCents: budget, requestedCents: requested)
        // then
        #expect(result.grantedCents == granted)
        #expect(result.bindingRule == binding)
        #expect(result.derivation.filter(\.isBinding).map(\.rule) == [binding])
    }

    @Test func negativeAmountsAreRefused() throws {
        let rules = try rules()
        #expect(throws: CofundingRulesError.negativeAmount(field: "budgetCents")) {
            try rules.experimentGrant(budgetCents: .min, requestedCents: 0)
        }
    }
}

@Suite struct Rates {
    @Test func roundingIsDownAndNeverOverflows() throws {
        let half = try #require(BasisPoints(5000))
        let whole = try #require(BasisPoints(10_000))
        let tenth = try #require(BasisPoints(1))
        #expect(half.roundedDown(of: .max) == 4_611_686_018_427_387_903)
        #expect(whole.roundedDown(of: .max) == .max)
        #expect(tenth.roundedDown(of: 9_999) == 0)
        #expect(tenth.roundedDown(of: 10_000) == 1)
        #expect(BasisPoints(-1) == nil)
        #expect(BasisPoints(10_001) == nil)
    }

    /// share ≤ exact share < share + 1, checked in 128 bits and independently of how the code computes it.
    @Test func tenThousandRandomSharesLieWithinOneCentBelowTheExactShare() throws {
        var random = SeededGenerator(seed: 0x4D61_696C_6C61_6765)
        for _ in 0..<10_000 {
            // given: amounts of every magnitude, up to 2^63 − 1
            let cents = Int64(random.next() >> UInt64.random(in: 1...63, using: &random))
            let rate = try #require(BasisPoints(Int.random(in: 0...10_000, using: &random)))
            // when
            let share = rate.roundedDown(of: cents)
            // then
            let exactTimes10000 = Int128(cents) * Int128(rate.value)
            #expect(Int128(share) * 10_000 <= exactTimes10000)
            #expect(exactTimes10000 < (Int128(share) + 1) * 10_000)
        }
    }
}

@Suite struct RuleSets {
    @Test func latestOneThatHasBegunIsInForce() throws {
        // given
        let sets = [try rules(name: "b", validFrom: 200), try rules(name: "a", validFrom: 100)]
        // then
        #expect(sets.inForce(at: Date(timeIntervalSince1970: 99)) == nil)
        #expect(sets.inForce(at: Date(timeIntervalSince1970: 100))?.name == "a")
        #expect(sets.inForce(at: Date(timeIntervalSince1970: 199))?.name == "a")
        #expect(sets.inForce(at: Date(timeIntervalSince1970: 200))?.name == "b")
    }

    @Test(
        arguments: [
            ("", 5000, ["esms": 1], 5000, 1, "s", "ruleSet"),
            ("Big", 5000, ["esms": 1], 5000, 1, "s", "ruleSet"),
            ("a", 0, ["esms": 1], 5000, 1, "s", "animationRateBasisPoints"),
            ("a", 10_001, ["esms": 1], 5000, 1, "s", "animationRateBasisPoints"),
            ("a", 5000, [:], 5000, 1, "s", "animationCeilingCents"),
            ("a", 5000, ["esms": 0], 5000, 1, "s", "animationCeilingCents"),
            ("a", 5000, ["": 1], 5000, 1, "s", "animationCeilingCents"),
            ("a", 5000, ["esms": 1], -1, 1, "s", "experimentRateBasisPoints"),
            ("a", 5000, ["esms": 1], 5000, 0, "s", "experimentCeilingCents"),
            ("a", 5000, ["esms": 1], 5000, 1, "", "source"),
        ] as [(String, Int, [String: Int64], Int, Int64, String, String)])
    func ruleSetOutsideItsLimitsIsRefusedByField(
        name: String, animationRate: Int, ceilings: [String: Int64], experimentRate: Int, ceiling: Int64,
        source: String, field: String
    ) {
        // when
        let error = #expect(throws: CofundingRulesError.self) {
            try CofundingRuleSet(
                name: name, validFrom: Date(timeIntervalSince1970: 0),
                animation: RateAndCeilings(basisPoints: animationRate, ceilingCents: ceilings),
                experiment: RateAndCeiling(basisPoints: experimentRate, ceilingCents: ceiling), source: source)
        }
        // then
        guard case .invalidRuleSet(field, _)? = error else {
            Issue.record("the field \(field) was not named")
            return
        }
    }
}
