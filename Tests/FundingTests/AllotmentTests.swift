import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct Allotments {
    @Test func everyOrderOfFourDecisionsEndsInTheSameAllotment() async throws {
        try await Programme.withoutMoney { first in
            // Room for every order's envelope.
            try await first.openProgramme(amountCents: 10_000_000_000, animationCents: 7_000_000_000)
            try await first.publishRules()
            for order in permutations([0, 1, 2, 3]) {
                // given: 2.5 M€ for 1 M€, a reserve place, 1 M€, and 1 M€ that does not fit any more
                let programme = Programme(service: first.service)
                let applications = (0..<4).map { _ in UUID() }
                let decisions = (0..<4).map { index in
                    Controls.decision(
                        applications[index], call: programme.call, rank: index + 1,
                        outcome: index == 1 ? .reserve : .funded)
                }
                try await programme.publishCall()
                try await programme.openEnvelope("animation", 250_000_000)
                // when
                for index in order { try await programme.decide(decisions[index]) }
                // then
                var states: [String] = []
                for application in applications {
                    let grant = try await programme.grants(of: application).first
                    states.append(grant.map { "\($0.state) \($0.reason ?? "\($0.reservedCents)")" } ?? "none")
                }
                let expected = ["reserved 100000000", "none", "reserved 100000000", "refused envelope-exhausted"]
                #expect(states == expected, "\(order)")
                #expect(try await programme.envelopes()["animation"]?.availableCents == 50_000_000)
            }
            try await first.expectBalancedLedger()
        }
    }

    @Test func redeliveryAndRepetitionChangeNothing() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let decision = Controls.decision(UUID(), call: programme.call, rank: 1)
            let id = try await programme.decide(decision)
            // when: the same event again, and its content under a new id
            try await programme.decide(decision, id: id)
            try await programme.service.deliver(decision, subject: decision.application.lowercase, sequence: 2)
            // then
            #expect(try await programme.grants(of: decision.application).count == 1)
            #expect(try await programme.envelopes()["animation"]?.reservedCents == 100_000_000)
            #expect(try await programme.service.recordedEvents(type: GrantReserved.type.name).count == 1)
        }
    }

    @Test func decisionsWaitForTheRulesAndForTheEnvelopeAndAreServedByWhateverComesLast() async throws {
        try await Programme.with { programme in
            // given
            struct Standing: Decodable {
                let nextRank: Int
                let waitsFor: String?
            }
            func standing() async throws -> Standing {
                let path = "/v1/calls/\(programme.call.lowercase)/allotment"
                return try await programme.service.request(.get, path, as: [.operator]).decode()
            }
            let application = UUID()
            try await programme.publishCall()
            // when
            try await programme.decide(Controls.decision(application, call: programme.call, rank: 1))
            // then
            #expect(try await standing().waitsFor == "rule-set")
            // when
            try await programme.publishRules()
            // then
            #expect(try await standing().waitsFor == "envelope")
            #expect(try await programme.grants(of: application).isEmpty)
            // when
            try await programme.openEnvelope("animation", 500_000_000)
            // then
            #expect(try await programme.grants(of: application).first?.state == "reserved")
            #expect(try await standing().nextRank == 2)
        }
    }

    @Test func secondApplicationOfARankAndAContradictionGoToTheDeadLetters() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.decide(Controls.decision(UUID(), call: programme.call, rank: 1))
            // when
            try await programme.decide(Controls.decision(UUID(), call: programme.call, rank: 1))
            try await programme.decide(Controls.decision(UUID(), call: programme.call, rank: nil))
            // then
            #expect(try await programme.service.deadLetterCount() == 2)
            #expect(try await programme.envelopes()["animation"]?.reservedCents == 100_000_000)
        }
    }

    @Test func grantShowsByWhichRuleItIsLessThanWhatWasAsked() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let application = UUID()
            // when
            try await programme.decide(
                Controls.decision(
                    application, call: programme.call, rank: 1, requestedCents: 90_000_000, structureType: "esms"))
            // then
            let grant = try #require(try await programme.grants(of: application).first)
            #expect(grant.reservedCents == 37_500_000 && grant.bindingRule == "animation-ceiling")
            #expect(grant.derivation.map(\.valueCents) == [90_000_000, 37_500_000, 90_000_000])
            #expect(grant.derivation.map(\.isBinding) == [false, true, false])
        }
    }

    @Test func cofundingWaitsForItsAgreementAndItsEnvelopeAndIsThenServedOnce() async throws {
        try await Programme.with { programme in
            // given
            try await programme.publishCall()
            try await programme.publishRules()
            try await programme.openEnvelope("animation", 1_000_000_000)
            let agreement = try await programme.signedAgreement()
            let experiment = UUID()
            // when
            try await programme.service.deliver(
                Controls.request(experiment, under: agreement), subject: experiment.lowercase)
            // then
            #expect(try await programme.parkedCount() == 1)
            // when
            try await programme.openEnvelope("experiments", 20_000_000)
            try await programme.retryParked()
            // then
            #expect(try await programme.parkedCount() == 0)
            let approved = try await programme.service.recordedEvents(type: CofundingApproved.type.name)
            let payload = try #require(try approved.first?.decode(CofundingApproved.self))
            #expect(payload.approvedCents == 20_000_000 && payload.experiment == experiment)
            #expect(payload.derivation.filter(\.isBinding).map(\.rule) == ["experiment-rate"])
            // when: the request comes again as another event
            try await programme.service.deliver(
                Controls.request(experiment, under: agreement), subject: experiment.lowercase, sequence: 2)
            // then
            #expect(try await programme.service.recordedEvents(type: CofundingApproved.type.name).count == 1)
            #expect(try await programme.service.recordedEvents(type: CofundingRefused.type.name).isEmpty)
            // when: the envelope is empty now
            let other = UUID()
            try await programme.service.deliver(Controls.request(other, under: agreement), subject: other.lowercase)
            // then
            let refused = try await programme.service.recordedEvents(type: CofundingRefused.type.name)
            #expect(try refused.first?.decode(CofundingRefused.self).reason == "envelope-exhausted")
            #expect(try await programme.service.recordedEvents(type: GrantRefused.type.name).isEmpty)
        }
    }

    @Test func cofundingOfSomebodyElsesAgreementIsRefused() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            var request = Controls.request(UUID(), under: agreement)
            request.siren = "180020026"
            // when
            try await programme.service.deliver(request, subject: request.experiment.lowercase)
            // then
            let refused = try await programme.service.recordedEvents(type: CofundingRefused.type.name)
            #expect(try refused.first?.decode(CofundingRefused.self).reason == "not-the-beneficiary")
        }
    }
}

func permutations<Element>(_ elements: [Element]) -> [[Element]] {
    guard elements.count > 1 else { return [elements] }
    return elements.indices.flatMap { index in
        var rest = elements
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
    }
}
