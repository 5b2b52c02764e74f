import CofundingRules
import Testing

/// The rules as data: their limits, their days, and what is said where none are in force.
@Suite struct StateAidRulesTests {
    private static func regime(
        _ from: String = "2024-01-01", _ until: String? = nil, ceiling: Int64 = 1, sgei: Int64 = 1, years: Int = 3
    ) throws -> DeMinimisRegime {
        try DeMinimisRegime(
            from: Controls.day(from), until: until.map { try Controls.day($0) }, ceilingCents: ceiling,
            sgeiCeilingCents: sgei, window: .fiscalYears(years), source: "s")
    }

    private static func intensities(
        until: String? = nil, base: Int = 5000, bonus: Int = 1000, ceiling: Int = 8000, source: String = "s"
    ) throws -> AidIntensities {
        try AidIntensities(
            from: Controls.day("2014-07-01"), until: until.map { try Controls.day($0) },
            baseBasisPoints: Dictionary(uniqueKeysWithValues: KindOfWork.allCases.map { ($0, base) }),
            sizeBonuses: SizeBonuses(mediumBasisPoints: bonus, smallBasisPoints: 2000),
            collaboration: StateAidRules.gber2014.intensities.collaboration, bonusesCumulate: true,
            ceilingBasisPoints: ceiling, source: source)
    }

    private static func rules(
        name: String = "a", validFrom: String = "2014-01-01", regimes: [DeMinimisRegime]? = nil
    ) throws -> StateAidRules {
        try StateAidRules(
            name: name, validFrom: Controls.day(validFrom), intensities: intensities(),
            deMinimis: regimes ?? [regime()])
    }

    @Test func publishedRulesPassTheirOwnLimits() throws {
        #expect(try Controls.stateAid() == StateAidRules.gber2014)
    }

    @Test func rulesOutsideTheirLimitsAreRefusedByField() {
        let cases: [(field: String, make: () throws -> Any)] = [
            ("intensities/until", { try Self.intensities(until: "2014-06-30") }),
            ("intensities/baseBasisPoints", { try Self.intensities(base: 0) }),
            ("intensities/baseBasisPoints", { try Self.intensities(base: 10_001) }),
            ("intensities/sizeBonuses/mediumBasisPoints", { try Self.intensities(bonus: -1) }),
            ("intensities/ceilingBasisPoints", { try Self.intensities(ceiling: 10_001) }),
            ("intensities/source", { try Self.intensities(source: "") }),
            ("deMinimis/until", { try Self.regime("2024-01-01", "2023-12-31") }),
            ("deMinimis/ceilingCents", { try Self.regime(ceiling: 0) }),
            ("deMinimis/sgeiCeilingCents", { try Self.regime(sgei: 0) }),
            ("deMinimis/window", { try Self.regime(years: 0) }),
            ("deMinimis/window", { try Self.regime(years: 11) }),
            ("name", { try Self.rules(name: "Big") }),
            ("deMinimis", { try Self.rules(regimes: []) }),
            ("deMinimis", { try Self.rules(regimes: [Self.regime("2014-01-01"), Self.regime("2024-01-01")]) }),
            (
                "deMinimis",
                { try Self.rules(regimes: [Self.regime("2024-01-01"), Self.regime("2014-01-01", "2024-01-01")]) }
            ),
        ]
        for (field, make) in cases {
            // when
            let error = #expect(throws: CofundingRulesError.self) { try make() }
            // then
            guard case .invalidStateAidRules(field, _)? = error else {
                Issue.record("the field \(field) was not named, but \(String(describing: error))")
                continue
            }
        }
    }

    @Test func latestRulesThatHaveBegunAreInForce() throws {
        let all = [try Self.rules(name: "b", validFrom: "2024-01-01"), try Self.rules(name: "a")]
        #expect(try all.inForce(on: Controls.day("2013-12-31")) == nil)
        #expect(try all.inForce(on: Controls.day("2014-01-01"))?.name == "a")
        #expect(try all.inForce(on: Controls.day("2023-12-31"))?.name == "a")
        #expect(try all.inForce(on: Controls.day("2024-01-01"))?.name == "b")
    }

    @Test(
        arguments: [
            (AidBasis.gber(work: .industrialResearch, size: .small, isCollaboration: false), "2014-06-30"),
            (.deMinimis(previous: [], fiscalYearStart: .january, isSGEI: false), "2013-12-31"),
            (.deMinimis(previous: [], fiscalYearStart: .january, isSGEI: false), "2031-01-01"),
        ])
    func basisWithoutRulesInForceIsAnErrorThatSaysSo(basis: AidBasis, day: String) throws {
        // given
        let claim = ExperimentClaim(budgetCents: 1, eligibleCostCents: 1, requestedCents: 1, basis: basis)
        let rules = try Controls.rules()
        let name = if case .gber = basis { "aid under the block exemption" } else { "de minimis aid" }
        // then: on a day without rules, and with none at hand
        for (text, stateAid) in [(day, StateAidRules.gber2014), ("2024-01-01", nil)] {
            let day = try Controls.day(text)
            let error = #expect(throws: CofundingRulesError.noStateAidRules(basis: name, day: day)) {
                try rules.experimentGrant(claim, on: day, stateAid: stateAid)
            }
            #expect(error?.slug == "no-state-aid-rules")
            #expect(error?.description == "no State-aid rules for \(name) are in force on \(text)")
        }
    }

    @Test func rulesThatHaveNotBegunGrantNothing() throws {
        // given: rules valid from 2024 whose intensities were published earlier
        let later = try Self.rules(
            validFrom: "2024-01-01", regimes: [Self.regime("2014-01-01")])
        let rules = try Controls.rules()
        for basis: AidBasis in [
            .gber(work: .industrialResearch, size: .small, isCollaboration: false),
            .deMinimis(previous: [], fiscalYearStart: .january, isSGEI: false),
        ] {
            let claim = ExperimentClaim(budgetCents: 1, eligibleCostCents: 1, requestedCents: 1, basis: basis)
            // then
            #expect(throws: CofundingRulesError.self) {
                try rules.experimentGrant(claim, on: Controls.day("2023-12-31"), stateAid: later)
            }
            _ = try rules.experimentGrant(claim, on: Controls.day("2024-01-01"), stateAid: later)
        }
    }

    @Test func intensitiesWithAnEndHoldUntilItsDay() throws {
        let ending = try Self.intensities(until: "2026-12-31")
        #expect(try ending.isInForce(on: Controls.day("2026-12-31")))
        #expect(try !ending.isInForce(on: Controls.day("2027-01-01")))
    }

    @Test func negativeAmountsAreRefusedByField() throws {
        let rules = try Controls.rules()
        let day = try Controls.day("2024-01-01")
        for (field, budget, cost, requested) in [
            ("budgetCents", -1, 0, 0), ("eligibleCostCents", 0, -1, 0), ("requestedCents", 0, 0, -1),
        ] as [(String, Int64, Int64, Int64)] {
            let error = CofundingRulesError.negativeAmount(field: field)
            #expect(throws: error) {
                try rules.experimentGrant(
                    ExperimentClaim(
                        budgetCents: budget, eligibleCostCents: cost, requestedCents: requested, basis: .nonEconomic),
                    on: day, stateAid: nil)
            }
            #expect(throws: error) {
                try rules.animationGrant(
                    AnimationClaim(
                        budgetCents: budget, eligibleCostCents: cost, requestedCents: requested,
                        structureType: "esms", basis: nil),
                    on: day, stateAid: nil)
            }
        }
    }
}
