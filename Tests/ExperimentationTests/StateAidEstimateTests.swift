import CofundingRules
import Events
import Foundation
import HTTPTypes
import Identity
import StateAidWire
import TestSupport
import Testing

@testable import Experimentation

@Suite struct StateAidEstimates {
    private struct Shown: Decodable {
        struct Cofunding: Decodable {
            let estimate: Estimate?
        }

        struct Estimate: Decodable {
            let grantedCents: Int64
            let bindingRule: String
            let stateAid: StateAid?
        }

        struct StateAid: Decodable {
            let rule: String
            let capCents: Int64?
            let stateAidRules: String?
        }

        let cofunding: Cofunding
    }

    @Test func theEstimateSaysWhichStateAidCapWouldApply() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given: 700,000 € of which 300,000 € are asked for
            let site = try await PlannedSite(service)
            let experiment = try await site.register().decode(PlannedSite.Shown.self).id
            try await service.deliver(
                RuleSetPublished(
                    ruleSet: "aap-tle-2022", validFrom: service.clock.now(), animationRateBasisPoints: 5000,
                    animationCeilingCents: ["esms": 1], experimentRateBasisPoints: 5000,
                    experimentCeilingCents: 30_000_000, source: "NOR PRMI2204762A"), subject: "aap-tle-2022")
            func estimate(_ query: String) async throws -> Shown.Estimate {
                let answer = try await service.request(.get, "/v1/experiments/\(experiment)\(query)", as: [.operator])
                return try #require(try answer.decode(Shown.self).cofunding.estimate)
            }
            let large = "?aidBasis=gber&work=experimental-development&size=large"
            // then: no State-aid rules are known
            let unknown = try await estimate(large)
            #expect(unknown.grantedCents == 30_000_000 && unknown.stateAid == nil)
            // when
            try await service.deliver(StateAidRulesPublished(StateAidRules.gber2014), subject: "gber-2014")
            // then
            let gber = try await estimate(large)
            #expect(gber.grantedCents == 17_500_000 && gber.bindingRule == "gber-intensity")
            #expect(gber.stateAid?.capCents == 17_500_000 && gber.stateAid?.stateAidRules == "gber-2014")
            let collaboration = try await estimate("\(large)&isCollaboration=true")
            #expect(collaboration.grantedCents == 28_000_000)
            let first = try await estimate("?aidBasis=de-minimis")
            #expect(first.stateAid?.rule == "de-minimis-room" && first.stateAid?.capCents == 30_000_000)
            let none = try await estimate("?aidBasis=non-economic")
            #expect(none.stateAid?.rule == "non-economic" && none.stateAid?.capCents == nil)
            #expect(try await estimate("").stateAid == nil)
        }
    }

    @Test(arguments: [
        ("aidBasis=charity", "?aidBasis"), ("aidBasis=gber", "?work"),
        ("aidBasis=gber&work=feasibility-study&size=tiny", "?size"), ("aidBasis=de-minimis&isSGEI=1", "?isSGEI"),
    ])
    func aBasisThatCannotBeReadIsRefusedByItsParameter(query: String, field: String) async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let path = "/v1/experiments/\(UUID().uuidString)?\(query)"
            let answer = try await service.request(.get, path, as: [.operator])
            #expect(answer.problemSlug == "bad-parameter" && answer.problem?.field == field)
        }
    }

    @Test func rulesThatAreNoneGoToTheDeadLetters() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            var rules = StateAidRulesPublished(StateAidRules.gber2014)
            rules.validFromDay = "2014-02-30"
            try await service.deliver(rules, subject: "gber-2014")
            #expect(try await service.deadLetterCount() == 1)
        }
    }
}
