import Events
import FoundationEssentials
import HTTPTypes
import TestSupport
import Testing

@testable import Experimentation

/// Sites, co-funding and milestones end the same, whatever the order in which they are heard of, and whatever a site's
/// people do meanwhile.
@Suite(.timeLimit(.minutes(60))) struct Permutations {
    @Test func everyOrderOfTheOthersEventsEndsInTheSameSitesAndExperiments() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given: a site with two experiments that asked for money
            let site = try await PlannedSite(service)
            #expect(try await site.open().status == .ok)
            var experiments: [String] = []
            for _ in 0..<2 { experiments.append(try await site.register().decode(PlannedSite.Shown.self).id) }
            let bench = try await PermutationBench(service, CanonicalSchema())
            let registered = experiments
            let generate: @Sendable (Chance) throws -> History = { try Self.history(at: site, of: registered, $0) }
            #expect(try PermutationCoverage.untold(by: [generate], to: service) == [])
            // when, then
            try await PermutationProof(bench, generate: generate).run()
        }
    }

    private static func history(at site: PlannedSite, of experiments: [String], _ chance: Chance) throws -> History {
        var history = History(chance: chance)
        for year in 1...history.chance.number(1...2) {
            try history.publishRules("rules-\(year)", validFrom: history.now.addingTimeInterval(Double(year) * 86_400))
            try history.publishStateAidRules("aid-\(year)", validFromDay: "202\(year)-01-01")
        }
        for _ in 0..<history.chance.number(1...3) {
            let signed = AgreementSigned(
                agreement: history.chance.uuid(), grant: history.chance.uuid(), application: history.chance.uuid(),
                call: history.chance.uuid(), lead: History.lead, partners: [], grantedCents: 75_000_000, tranches: [],
                signedAt: history.now)
            try history.tell(signed, about: signed.agreement)
        }
        for id in experiments {
            guard let experiment = UUID(uuidString: id) else { continue }
            history.act("approves the protocol of \(id)") {
                let version = try await site.show(id).version
                return try await site.approve(id, version: version).status == .ok
            }
            try settle(experiment, of: site, &history)
            try history.reachMilestones(history.chance.number(0...3), of: experiment)
        }
        return history
    }

    private static func settle(_ experiment: UUID, of site: PlannedSite, _ history: inout History) throws {
        history.now += 60
        guard history.chance.happens(onceIn: 3) else {
            return try history.tell(
                CofundingApproved(
                    experiment: experiment, grant: history.chance.uuid(), agreement: site.agreement.agreement,
                    budgetCents: 70_000_000, approvedCents: history.chance.cents(1...30_000_000), ruleSet: "rules-1",
                    derivation: []), about: experiment)
        }
        try history.tell(
            CofundingRefused(
                experiment: experiment, agreement: site.agreement.agreement, requestedCents: 30_000_000,
                reason: "envelope-exhausted"), about: experiment)
    }
}
