import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Applications

struct RaceTests {
    @Test func ofTwentySubmissionsOneWins() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.draft().decode(Stage.Shown.self).id
            // when
            let statuses = try await withThrowingTaskGroup { group in
                for _ in 0..<20 { group.addTask { try await stage.act(.post, id, "submit", version: 1).status.code } }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            // then
            #expect(statuses == [200: 1, 412: 19])
            #expect(try await service.recordedEvents(type: "applications.application.submitted.v1").count == 1)
            #expect(try await stage.show(id).submission?.number == 1)
        }
    }

    @Test func aRepeatedCommandTakesEffectOnce() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let key: HTTPFields = [.idempotencyKey: "draft-1"]
            // when
            let answers = try await withThrowingTaskGroup { group in
                for _ in 0..<10 { group.addTask { try await stage.draft(headers: key).text } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            // then
            #expect(answers.count == 1)
            let list = try await service.request(.get, "/v1/applications", as: [.operator])
            #expect(list.text.components(separatedBy: stage.call).count == 2)
            let other = try await stage.draft(stage.content(title: "Autre"), headers: key)
            #expect(other.problemSlug == "idempotency-key-reused")
        }
    }

    @Test func aLostAnswerToASubmissionCanBeAskedForAgain() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.draft().decode(Stage.Shown.self).id
            let headers: HTTPFields = [.idempotencyKey: "submit-1", .ifMatch: "\"v1\""]
            func submit() async throws -> TestAnswer {
                try await service.request(
                    .post, "/v1/applications/\(id)/submit", as: [.applicant], subject: "applicant-1",
                    organisation: Stage.leadSiren, headers: headers)
            }
            let (first, again) = (try await submit(), try await submit())
            #expect(first.status == .ok && again.text == first.text)
            #expect(again.headers[.idempotencyReplayed] == "true")
            #expect(try await service.recordedEvents(type: "applications.application.submitted.v1").count == 1)
        }
    }

    @Test func oneRankIsGivenOnceWhoeverAsksFirst() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            var ids: [String] = []
            for _ in 0..<4 { ids.append(try await stage.submitted()) }
            for id in ids { try await stage.reviewed(id) }
            // when
            let recommended = try await withThrowingTaskGroup { group in
                for id in ids { group.addTask { try await stage.recommend(id, rank: 1) } }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            // then
            #expect(recommended.filter { $0.status == .ok }.count == 1)
            #expect(recommended.filter { $0.problemSlug == "rank-taken" }.count == 3)
            // given
            for (index, id) in ids.enumerated() where try await stage.show(id).state == "eligible" {
                #expect(try await stage.recommend(id, rank: 10 + index).status == .ok)
            }
            // when
            let decided = try await withThrowingTaskGroup { group in
                for id in ids { group.addTask { try await stage.decide(id, rank: 1) } }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            // then
            #expect(decided.filter { $0.status == .ok }.count == 1)
            #expect(decided.filter { $0.problemSlug == "rank-taken" }.count == 3)
        }
    }

    @Test func theDatabaseItselfKeepsTheRules() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try #require(UUID(uuidString: try await stage.submitted()))
            let call = try #require(UUID(uuidString: stage.call))
            try await stage.reviewed(id.lowercase)
            #expect(try await stage.recommend(id.lowercase).status == .ok)
            let now = service.clock.now()
            // when, then
            let byTheSame = await #expect(throws: PostgresError.self) {
                try await service.pool.query(
                    """
                    insert into decisions (application, call, outcome, rank, recommended_by, decided_by, decided_at)
                    values (\(id), \(call), 'funded', 1, 'committee-1', 'committee-1', \(now))
                    """)
            }
            #expect(byTheSame?.constraint == "decisions_by_another_person")
            let lying = await #expect(throws: PostgresError.self) {
                try await service.pool.query(
                    """
                    insert into decisions (application, call, outcome, rank, recommended_by, decided_by, decided_at)
                    values (\(id), \(call), 'funded', 1, 'nobody', 'committee-1', \(now))
                    """)
            }
            #expect(lying?.sqlState == "23503")
            let forged = await #expect(throws: PostgresError.self) {
                try await service.pool.query(
                    """
                    insert into deposits (application, number, canonical, receipt, submitted_at)
                    values (\(id), 2, 'x', repeat('0', 64), \(now))
                    """)
            }
            #expect(forged?.sqlState == "23514")
        }
    }
}
