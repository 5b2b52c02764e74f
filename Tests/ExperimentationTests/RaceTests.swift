import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Experimentation

struct RaceTests {
    @Test func oneCodeIsEnrolledOnce() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            // when
            let statuses = try await withThrowingTaskGroup { group in
                for _ in 0..<20 { group.addTask { try await site.enrol(experiment, code: "P-1").status.code } }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            // then
            #expect(statuses == [201: 1, 409: 19])
            #expect(try await service.recordedEvents(type: "experimentation.participant.enrolled.v1").count == 1)
            #expect(try await site.show(experiment).participants.count == 1)
        }
    }

    @Test func armsStayInBalanceWhenManyEnrolAtOnce() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            // when
            try await withThrowingTaskGroup { group in
                for number in 0..<40 { group.addTask { _ = try await site.enrol(experiment, code: "P-\(number)") } }
                try await group.waitForAll()
            }
            // then
            let shown = try await site.show(experiment)
            #expect(shown.participants.byArm == ["intervention": 20, "control": 20])
            let rows = try await service.pool.query(
                "select count(distinct pseudonym) as n, count(*) filter (where arm = 'control') as c from participants")
            #expect(try rows.first?.get("n", as: Int.self) == 40 && rows.first?.get("c", as: Int.self) == 20)
            #expect(shown.version == 3)
        }
    }

    @Test func ofTwentyStartsOneWins() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            _ = try await site.open()
            let experiment = try await site.register(requestedCents: 0).decode(PlannedSite.Shown.self).id
            _ = try await site.approve(experiment, version: 1)
            // when
            let statuses = try await withThrowingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { try await site.step(experiment, "start", version: 2).status.code }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            // then
            #expect(statuses == [200: 1, 412: 19])
            #expect(try await service.recordedEvents(type: "experimentation.experiment.started.v1").count == 1)
        }
    }

    @Test func aLostAnswerToAnEnrolmentCanBeAskedForAgain() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            func enrol() async throws -> TestAnswer {
                try await service.request(
                    .post, "/v1/experiments/\(experiment)/participants", as: [.siteManager],
                    organisation: PlannedSite.siren,
                    json: #"{"consent": {"scope": "usability", "version": 1, "givenAt": "2026-03-01T10:00:00Z"}}"#,
                    headers: [.idempotencyKey: "enrol-1"])
            }
            let (first, again) = (try await enrol(), try await enrol())
            #expect(first.status == .created && again.text == first.text)
            #expect(try await site.show(experiment).participants.count == 1)
        }
    }

    @Test func theDatabaseItselfKeepsTheRules() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try #require(
                UUID(uuidString: try await site.register().decode(PlannedSite.Shown.self).id))
            let now = service.clock.now()
            // when, then
            let started = await #expect(throws: PostgresError.self) {
                try await service.pool.query(
                    "update experiments set state = 'started', started_at = \(now) where id = \(experiment)")
            }
            let enrolled = await #expect(throws: PostgresError.self) {
                try await service.pool.query(
                    "update experiments set control_count = 1 where id = \(experiment)")
            }
            let pseudonym = await #expect(throws: PostgresError.self) {
                try await service.pool.query(
                    """
                    insert into participants (id, experiment, arm, pseudonym, consent_scope, consent_version,
                        consented_at, enrolled_by, enrolled_at)
                    values (\(UUID()), \(experiment), 'control', 'ILOU00000000', 'usability', 1, \(now), 'x', \(now))
                    """)
            }
            #expect([started, enrolled, pseudonym].allSatisfy { $0?.sqlState == "23514" })
        }
    }
}
