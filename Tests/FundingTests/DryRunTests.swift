import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct DryRuns {
    /// Of domain facts: eligible cost, size, collaboration, what is granted and by which rule.
    @Test(arguments: [
        (50_000_000, true, 25_000_000, "experiment-rate"), (50_000_000, false, 22_500_000, "gber-intensity"),
        (80_000_000, true, 30_000_000, "experiment-ceiling"),
    ])
    func theWorkedCasesComeToTheirCent(
        cents: Int, isCollaboration: Bool, granted: Int64, rule: String
    ) async throws {
        try await Programme.withoutMoney { programme in
            // given
            try await programme.publishRules()
            try await programme.publishAidRules()
            let basis = AidControls.gber().replacing("false", with: "\(isCollaboration)")
            // when
            let answer = try await programme.dryRun(
                #"{"purpose":"experiments","budgetCents":\#(cents),"requestedCents":\#(cents),"basis":\#(basis)}"#)
            // then
            let result = try answer.decode(DryRunAnswer.self)
            #expect(result.result.grantedCents == granted && result.result.bindingRule == rule)
            #expect(result.grantDay == "2026-03-02" && result.ruleSet == "aap-tle-2022")
            #expect(result.stateAidRules == "gber-2014" && result.partners == nil)
            #expect(result.result.derivation.filter(\.isBinding).map(\.rule) == [rule])
            #expect(result.result.derivation.first { $0.rule == "gber-intensity" }?.inputs?.isEmpty == false)
        }
    }

    @Test func theRoomForDeMinimisAidIsShownWithWhatCountsAndWhatDoesNot() async throws {
        try await Programme.withoutMoney { programme in
            // given
            try await programme.publishRules(validFrom: "2022-01-01T00:00:00Z")
            try await programme.publishAidRules()
            let basis = AidControls.deMinimis([
                ("2021-01-29", 12_000_000, AidControls.head), ("2021-01-30", 15_000_000, AidControls.head),
            ])
            // when
            let answer = try await programme.dryRun(
                """
                {"purpose": "experiments", "budgetCents": 80000000, "requestedCents": 40000000,
                 "grantDay": "2024-01-30", "basis": \(basis)}
                """)
            // then
            let result = try answer.decode(DryRunAnswer.self).result
            #expect(result.grantedCents == 15_000_000 && result.bindingRule == "de-minimis-room")
            let room = try #require(result.deMinimis)
            #expect(room.roomCents == 15_000_000 && room.countedCents == 15_000_000)
            #expect(room.counted == [.init(grantedOn: "2021-01-30", amountCents: 15_000_000)])
            #expect(room.outsideWindow == [.init(grantedOn: "2021-01-29", amountCents: 12_000_000)])
        }
    }

    @Test func aDeclaredUndertakingBringsItsBasisAndTheRegister() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.publishAidRules()
            let agreement = try await programme.signedAgreement()
            try await programme.declare(AidControls.deMinimis(), members: [AidControls.member])
            let question = """
                {"purpose": "experiments", "budgetCents": 80000000, "requestedCents": 40000000,
                 "siren": "\(AidControls.member)"}
                """
            let before = try await programme.dryRun(question).decode(DryRunAnswer.self)
            // when
            let experiment = try await programme.requestCofunding(under: agreement, 18_000_000)
            // then
            #expect(try await programme.grant(of: experiment, under: agreement)?.reservedCents == 18_000_000)
            #expect(before.result.grantedCents == 30_000_000)
            let after = try await programme.dryRun(question).decode(DryRunAnswer.self)
            #expect(after.result.grantedCents == 12_000_000 && after.result.deMinimis?.countedCents == 18_000_000)
            let own = try await programme.dryRun(question, as: [.siteManager], organisation: AidControls.head)
            #expect(own.status == .ok)
            let foreign = try await programme.dryRun(question, as: [.siteManager], organisation: AidControls.foreigner)
            #expect(foreign.problemSlug == "invalid-field" && foreign.problem?.field == "/siren")
            #expect(try await programme.dryRun(question, as: [.reviewer]).problemSlug == "forbidden")
            #expect(try await programme.deMinimisRegister().count == 1)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func whatTheDryRunSaysIsWhatIsThenGranted(seed: UInt64) async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.publishAidRules()
            let agreement = try await programme.signedAgreement()
            try await programme.declare(AidControls.deMinimis([("2025-01-01", 4_000_001, AidControls.head)]))
            var chance = Chance(seed: seed)
            for _ in 0..<8 {
                let cents = chance.cents(1...9_000_000)
                let said = try await programme.dryRun(
                    """
                    {"purpose": "experiments", "budgetCents": \(cents * 2), "requestedCents": \(cents),
                     "siren": "\(AidControls.head)"}
                    """
                ).decode(DryRunAnswer.self).result
                // when
                let experiment = try await programme.requestCofunding(under: agreement, cents)
                // then
                let grant = try #require(try await programme.grant(of: experiment, under: agreement))
                #expect(grant.reservedCents == said.grantedCents)
                let steps = grant.state == "reserved" ? said.derivation : []
                #expect(grant.derivation.map(\.valueCents) == steps.map(\.valueCents))
                #expect(grant.reason == (said.grantedCents == 0 ? "de-minimis-exhausted" : nil))
            }
            #expect(try await programme.deMinimisRegister().map(\.amountCents).reduce(0, +) <= 25_999_999)
        }
    }

    @Test func withoutABasisTheCallsCapsApplyAlone() async throws {
        try await Programme.withoutMoney { programme in
            try await programme.publishRules()
            for (purpose, granted) in [
                (#""purpose": "experiments""#, Int64(30_000_000)),
                (#""purpose": "animation", "structureType": "esms""#, 37_500_000),
            ] {
                let answer = try await programme.dryRun(
                    #"{\#(purpose), "budgetCents": 900000000, "requestedCents": 900000000}"#)
                let result = try answer.decode(DryRunAnswer.self)
                #expect(result.result.grantedCents == granted && result.stateAidRules == nil)
                #expect(result.result.derivation.count == 3)
            }
        }
    }

    @Test func partnersOfOneUndertakingShareItsRoomAndTheSharesSumToTheWhole() async throws {
        try await Programme.withoutMoney { programme in
            // given
            try await programme.publishRules()
            try await programme.publishAidRules()
            try await programme.declare(AidControls.deMinimis(), members: [AidControls.member])
            // when
            let answer = try await programme.dryRun(
                """
                {"purpose": "animation", "structureType": "etablissement_sante_public", "partners": [
                  {"budgetCents": 90000000, "requestedCents": 60000000, "basis": {"kind": "non-economic"}},
                  {"budgetCents": 40000000, "requestedCents": 20000000, "siren": "\(AidControls.head)"},
                  {"budgetCents": 40000000, "requestedCents": 40000000, "siren": "\(AidControls.member)"}]}
                """)
            // then
            let result = try answer.decode(DryRunAnswer.self)
            let partners = try #require(result.partners)
            #expect(partners.map(\.grantedCents).reduce(0, +) == result.result.grantedCents)
            // The room of 300,000 € by what each wants, and then all by the 50 % of the project.
            #expect(result.result.grantedCents == 85_000_000 && result.result.bindingRule == "animation-rate")
            #expect(partners.dropFirst().map(\.grantedCents).reduce(0, +) <= 30_000_000)
            #expect(partners.map(\.bindingRule) == ["project-share", "project-share", "project-share"])
        }
    }

    @Test func whatIsNotInForceOnTheDayIsNamed() async throws {
        try await Programme.withoutMoney { programme in
            // given
            let question =
                #"{"purpose":"experiments","budgetCents":10,"requestedCents":10,"basis":\#(AidControls.gber())}"#
            // then
            let none = try await programme.dryRun(question)
            #expect(none.status == .conflict && none.problemSlug == "no-rule-set" && none.problem?.field == "/grantDay")
            // given
            try await programme.publishRules()
            // then
            let without = try await programme.dryRun(question)
            #expect(without.problemSlug == "no-state-aid-rules" && without.problem?.field == "/grantDay")
            #expect(without.problem?.mend != nil)
        }
    }

    @Test(arguments: [
        (#"{"purpose":"travel","budgetCents":1,"requestedCents":1}"#, "/purpose"),
        (#"{"purpose":"animation","budgetCents":1,"requestedCents":1}"#, "/structureType"),
        (#"{"purpose":"animation","structureType":"x","budgetCents":1,"requestedCents":1}"#, "/structureType"),
        (#"{"purpose":"experiments","requestedCents":1}"#, "/budgetCents"),
        (#"{"purpose":"experiments","budgetCents":1}"#, "/requestedCents"),
        (#"{"purpose":"experiments","budgetCents":-1,"requestedCents":1}"#, "/budgetCents"),
        (#"{"purpose":"experiments","budgetCents":1,"eligibleCostCents":2,"requestedCents":1}"#, "/eligibleCostCents"),
        (#"{"purpose":"experiments","budgetCents":1,"requestedCents":1,"grantDay":"2026-02-30"}"#, "/grantDay"),
        (#"{"purpose":"experiments","budgetCents":1,"requestedCents":1,"siren":"180020026"}"#, "/siren"),
        (#"{"purpose":"experiments","budgetCents":1,"requestedCents":1,"siren":"\u0000"}"#, "/siren"),
        (#"{"purpose":"experiments","budgetCents":1,"requestedCents":1,"basis":{"kind":"x"}}"#, "/basis/kind"),
        (
            #"{"purpose":"experiments","budgetCents":1,"requestedCents":1,"basis":{"kind":"gber"},"siren":"1"}"#,
            "/basis"
        ),
        (#"{"purpose":"experiments","partners":[]}"#, "/partners"),
        (#"{"purpose":"experiments","budgetCents":1,"partners":[{}]}"#, "/budgetCents"),
        (#"{"purpose":"experiments","partners":[{"budgetCents":1}]}"#, "/partners/0/requestedCents"),
        (#"{"purpose":"experiments","partners":[{"budgetCents":1,"requestedCents":1}]}"#, "/partners/0/basis"),
        (
            #"{"purpose":"experiments","partners":[{"budgetCents":1,"requestedCents":1,"basis":{"kind":"gber"}}]}"#,
            "/partners/0/basis/work"
        ),
        (#"{"purpose":"experiments","partners":[{"budgetCents":"1"}]}"#, "/partners/0/budgetCents"),
    ])
    func everyFieldIsNamedThatIsNotAsItMustBe(json: String, field: String) async throws {
        try await Programme.withoutMoney { programme in
            try await programme.publishRules()
            let answer = try await programme.dryRun(json)
            #expect(answer.status == .unprocessableContent && answer.problem?.field == field)
        }
    }
}
