import Events
import FoundationEssentials
import HTTPTypes
import TestSupport
import Testing

@testable import Applications

/// What funding tells about applications ends in the same standing, whatever the order.
@Suite(.timeLimit(.minutes(60))) struct Permutations {
    @Test func everyOrderOfFundingsEventsEndsInTheSameStanding() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given: two applications that the State funded
            let stage = try await Stage(service)
            let applications = try await [stage.submitted(), stage.submitted()]
            for (index, id) in applications.enumerated() {
                try await stage.reviewed(id)
                #expect(try await stage.recommend(id, rank: index + 1).status == .ok)
                #expect(try await stage.decide(id, rank: index + 1).status == .ok)
            }
            let ids = applications.compactMap { UUID(uuidString: $0) }
            let bench = try await PermutationBench(service, CanonicalSchema())
            let generate: @Sendable (Chance) throws -> History = { try Self.history(of: ids, $0) }
            #expect(try PermutationCoverage.untold(by: [generate], to: service) == [])
            // when, then
            try await PermutationProof(bench, generate: generate).run()
        }
    }

    private static func history(of applications: [UUID], _ chance: Chance) throws -> History {
        var history = History(chance: chance)
        for year in 1...history.chance.number(1...3) {
            try history.publishRules("rules-\(year)", validFrom: history.now.addingTimeInterval(Double(year) * 86_400))
            try history.publishStateAidRules("aid-\(year)", validFromDay: "202\(year)-01-01")
        }
        for application in applications {
            let call = history.chance.uuid()
            if history.chance.happens(onceIn: 2) {
                let refused = GrantRefused(
                    grant: history.chance.uuid(), call: call, kind: .animation, application: application,
                    experiment: nil, requestedCents: 75_000_000, reason: "envelope-exhausted")
                try history.tell(refused, about: refused.grant)
                // At the same time as what follows, or before it.
                if history.chance.happens(onceIn: 2) { history.now += 60 }
            }
            let grant = history.chance.uuid()
            for (kind, grant) in [(EnvelopeKind.animation, grant), (.experiments, history.chance.uuid())] {
                let reserved = GrantReserved(
                    grant: grant, envelope: history.chance.uuid(), call: call, kind: kind, application: application,
                    experiment: kind == .experiments ? history.chance.uuid() : nil,
                    beneficiarySiren: Stage.leadSiren, reservedCents: history.chance.cents(1...75_000_000),
                    ruleSet: "rules-1", bindingRule: "animation-rate")
                try history.tell(reserved, about: grant)
            }
            guard history.chance.number(1...3) > 1 else { continue }
            history.now += 3600
            let signed = AgreementSigned(
                agreement: history.chance.uuid(), grant: grant, application: application, call: call,
                lead: History.lead, partners: [], grantedCents: 75_000_000, tranches: [], signedAt: history.now)
            try history.tell(signed, about: signed.agreement)
        }
        return history
    }
}
