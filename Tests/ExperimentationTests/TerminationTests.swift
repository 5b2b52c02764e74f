import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Experimentation

/// Experiments that end before their time.
struct TerminationTests {
    @Test(arguments: [Role.siteManager, .operator])
    func aRunningExperimentEndsWithItsParticipants(by role: Role) async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            for number in 0..<3 { #expect(try await site.enrol(experiment, code: "P-\(number)").status == .created) }
            // when
            let answer = try await site.terminate(experiment, version: 3, as: role)
            // then
            #expect(answer.status == .ok && answer.version == 4, "\(answer.text)")
            let shown = try await site.show(experiment)
            #expect(shown.state == "terminated" && shown.terminatedAt == service.clock.now())
            #expect(shown.terminationReason == "The supplier is no more" && shown.completedAt == nil)
            let events = try await service.recordedEvents(type: ExperimentTerminated.type.name)
            let payload = try #require(try events.first?.decode(ExperimentTerminated.self))
            #expect(events.count == 1 && events.first?.subject == experiment && events.first?.sequence == 3)
            #expect(payload.experiment.lowercase == experiment && payload.site.lowercase == site.id)
            #expect(payload.agreement == site.agreement.agreement && payload.participantsCount == 3)
            #expect(payload.terminatedAt == service.clock.now())
            #expect(!String(decoding: events[0].data, as: UTF8.self).contains("supplier"))
        }
    }

    @Test func nothingFollowsATermination() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            _ = try await site.terminate(experiment, version: 3)
            let count = try await service.recordedEvents().count
            // when
            let answers = [
                try await site.enrol(experiment), try await site.step(experiment, "start", version: 4),
                try await site.step(experiment, "complete", version: 4), try await site.approve(experiment, version: 4),
                try await site.terminate(experiment, version: 4),
            ]
            // then
            #expect(answers.map(\.status) == Array(repeating: .conflict, count: 5))
            #expect(answers.map(\.problemSlug) == Array(repeating: "wrong-state", count: 5))
            #expect(try await service.recordedEvents().count == count)
        }
    }

    /// Funding may have decided before or decide after it.
    @Test func anExperimentThatNeverStartedIsToldTooAndKeepsItsCofunding() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let settled = try await site.register().decode(PlannedSite.Shown.self).id
            let pending = try await site.register().decode(PlannedSite.Shown.self).id
            try await site.settle(settled)
            // when
            #expect(try await site.terminate(settled, version: 2).status == .ok)
            #expect(try await site.terminate(pending, version: 1).status == .ok)
            try await site.settle(pending, approved: 10_000_000)
            // then
            let (first, second) = (try await site.show(settled), try await site.show(pending))
            #expect(first.state == "terminated" && first.cofunding.approvedCents == 30_000_000)
            #expect(second.state == "terminated" && second.cofunding.approvedCents == 10_000_000)
            #expect(first.startedAt == nil && second.startedAt == nil)
            #expect(try await service.deadLetterCount() == 0)
            let told = try await service.recordedEvents(type: ExperimentTerminated.type.name)
            #expect(told.map(\.subject) == [settled, pending])
            #expect(try told.map { try $0.decode(ExperimentTerminated.self).participantsCount } == [0, 0])
        }
    }

    @Test func aTerminationIsRefusedWithItsReason() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            let stale = try await site.terminate(experiment, version: 2)
            #expect(stale.status == .preconditionFailed && stale.problemSlug == "version-mismatch")
            let other = try await site.terminate(experiment, version: 3, organisation: "100000009")
            #expect(other.status == .notFound)
            #expect(try await site.terminate(experiment, version: 3, as: .ethics).status == .forbidden)
            let blank = try await site.terminate(experiment, version: 3, reason: " ")
            #expect(blank.status == .unprocessableContent && blank.problem?.field == "/reason")
            let path = "/v1/experiments/\(experiment)/terminate"
            #expect(try await site.act(.post, path, json: #"{"reason": "x"}"#).problemSlug == "if-match-required")
            #expect(try await site.act(.post, path, version: 3, json: "{}").problem?.field == "/reason")
            #expect(try await site.show(experiment).state == "started")
            #expect(try await service.recordedEvents(type: ExperimentTerminated.type.name).isEmpty)
        }
    }

    @Test func aRepeatedTerminationGetsTheFirstAnswer() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            func terminate() async throws -> TestAnswer {
                try await service.request(
                    .post, "/v1/experiments/\(experiment)/terminate", as: [.siteManager],
                    organisation: PlannedSite.siren, json: #"{"reason": "The supplier is no more"}"#,
                    headers: [.idempotencyKey: "terminate-1", .ifMatch: #""v3""#])
            }
            // when
            let (first, again) = (try await terminate(), try await terminate())
            // then
            #expect(first.status == .ok && again.text == first.text)
            #expect(try await service.recordedEvents(type: ExperimentTerminated.type.name).count == 1)
        }
    }

    @Test func theDatabaseItselfKeepsTheRules() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let registered = try #require(
                UUID(uuidString: try await site.register().decode(PlannedSite.Shown.self).id))
            let now = service.clock.now()
            // when, then
            let statements: [PostgresQuery] = [
                "update experiments set state = 'terminated', terminated_at = \(now) where id = \(registered)",
                "update experiments set terminated_at = \(now), termination_reason = 'x' where id = \(registered)",
                """
                update experiments set state = 'terminated', terminated_at = \(now), termination_reason = 'x',
                    started_at = \(now)
                where id = \(registered)
                """,
                """
                update experiments set state = 'terminated', terminated_at = \(now), termination_reason = 'x',
                    control_count = 1
                where id = \(registered)
                """,
            ]
            for statement in statements {
                let error = await #expect(throws: PostgresError.self) { try await service.pool.query(statement) }
                #expect(error?.sqlState == "23514")
            }
        }
    }
}
