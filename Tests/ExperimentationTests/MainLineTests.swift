import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Experimentation

struct MainLineTests {
    @Test func anExperimentGoesFromAgreementToCompletion() async throws {
        struct Enrolled: Decodable {
            let participant: UUID
            let pseudonym: String
            let arm: String
        }
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            // when
            #expect(try await site.open().version == 2)
            let experiment = try await site.register().decode(PlannedSite.Shown.self).id
            #expect(try await site.show(experiment).cofunding.state == "requested")
            try await site.settle(experiment)
            #expect(try await site.approve(experiment, version: 2).version == 3)
            #expect(try await site.step(experiment, "start", version: 3).version == 4)
            var people: [Enrolled] = []
            for number in 0..<3 {
                let answer = try await site.enrol(experiment, code: "P-\(number)")
                #expect(answer.status == .created)
                people.append(try answer.decode(Enrolled.self))
            }
            let reached = MilestoneReached(
                experiment: try #require(UUID(uuidString: experiment)), milestone: "half", responsesCountMin: 100,
                responsesCount: 103, reachedAt: service.clock.now())
            try await service.deliver(reached, subject: experiment)
            #expect(try await site.step(experiment, "complete", version: 4).version == 5)
            // then
            let shown = try await site.show(experiment)
            #expect(shown.state == "completed" && shown.completedAt == service.clock.now())
            #expect(shown.cofunding.approvedCents == 30_000_000 && shown.cofunding.asOf == service.clock.now())
            #expect(shown.participants.count == 3 && shown.participants.byArm == ["intervention": 2, "control": 1])
            #expect(shown.milestonesReached?.map(\.responsesCount) == [103])
            #expect(people.map(\.arm) == ["intervention", "control", "intervention"])
            #expect(people.allSatisfy { $0.pseudonym.count == 12 } && Set(people.map(\.pseudonym)).count == 3)
            try await expectEvents(service, site, experiment, people.map { ($0.participant, $0.pseudonym) })
        }
    }

    private func expectEvents(
        _ service: ServiceHarness, _ site: PlannedSite, _ experiment: String, _ people: [(id: UUID, pseudonym: String)]
    ) async throws {
        let events = try await service.recordedEvents()
        #expect(
            events.map { $0.type.dropFirst("experimentation.".count) } == [
                "site.opened.v1", "experiment.registered.v1", "cofunding.requested.v1", "protocol.approved.v1",
                "experiment.started.v1", "participant.enrolled.v1", "participant.enrolled.v1",
                "participant.enrolled.v1", "experiment.completed.v1",
            ])
        let participants = people.map { $0.id.lowercase }
        #expect(
            events.map(\.subject) == [site.id, experiment, experiment, experiment, experiment] + participants + [
                experiment
            ])
        // Numbered per noun and subject.
        #expect(events.map(\.sequence) == [1, 1, 1, 1, 2, 1, 1, 1, 3])
        let requested = try events[2].decode(CofundingRequested.self)
        #expect(requested.siren == PlannedSite.siren && requested.requestedCents == 30_000_000)
        #expect(requested.application == site.agreement.application && requested.call == site.agreement.call)
        let enrolled = try events[5].decode(ParticipantEnrolled.self)
        #expect(enrolled.participant == people[0].id && enrolled.pseudonym == people[0].pseudonym)
        #expect(enrolled.consentScope == "usability" && enrolled.consentVersion == 1)
        let approved = try events[3].decode(ProtocolApproved.self)
        #expect(
            approved.windows == [
                InstrumentWindow(
                    instrument: "SUS", instrumentVersion: "F-SUS-2021", occasion: "M3", opensDay: 80, closesDay: 101)
            ])
        #expect(approved.milestones == [MilestoneTerms(milestone: "half", responsesCountMin: 100)])
        #expect(try events[8].decode(ExperimentCompleted.self).participantsCount == 3)
        let all = events.map { String(decoding: $0.data, as: UTF8.self) }.joined()
        for secret in ["P-0", "P-1", "Nancy", "Télésuivi", "Suivi", "Éditeur"] {
            #expect(!all.contains(secret), "an event carries \(secret)")
        }
    }

    @Test func anExperimentWithoutCofundingAsksForNone() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            #expect(try await site.show(experiment).cofunding.state == "not-requested")
            #expect(try await service.recordedEvents(type: "experimentation.cofunding.requested.v1").isEmpty)
        }
    }

    @Test func theEstimateFollowsTheRulesThatAreKnown() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.register().decode(PlannedSite.Shown.self).id
            #expect(try await site.show(experiment).cofunding.estimate == nil)
            // when
            try await service.deliver(
                RuleSetPublished(
                    ruleSet: "aap-tle-2022", validFrom: service.clock.now(), animationRateBasisPoints: 5000,
                    animationCeilingCents: ["esms": 1], experimentRateBasisPoints: 5000,
                    experimentCeilingCents: 25_000_000, source: "NOR PRMI2204762A"), subject: "aap-tle-2022")
            // then
            #expect(try await site.show(experiment).cofunding.estimate?.grantedCents == 25_000_000)
            try await site.settle(experiment)
            #expect(try await site.show(experiment).cofunding.estimate == nil)
        }
    }
}
