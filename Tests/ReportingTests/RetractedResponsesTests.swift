import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Reporting

@Suite("Responses that were taken back")
struct RetractedResponsesTests {
    private struct View: Decodable {
        struct Cell: Decodable {
            let figure: String
            let n: Int?
            let scored: Int?
            let mean: String?
            let nps: String?
            let promoters: Int?
        }
        struct Milestone: Decodable {
            let milestone: String
            let isReached: Bool
            let responsesCount: Int
            let reachedAt: Date?
            let lostAt: Date?
        }
        let responses: [Cell]
        let milestones: [Milestone]
    }

    private struct Events: Decodable {
        struct Item: Decodable { let type: String }
        let items: [Item]
    }

    private let experiment = Story.id(9, 1)

    private func item(_ number: UInt8, version: Int, _ state: ResponseState) -> ResponseItem {
        ResponseItem(
            response: Story.id(9, number), version: version, state: state, instrument: "NPS", instrumentVersion: "1",
            occasion: "M3", participant: Story.id(8, number), answeredAt: Date(timeIntervalSince1970: 1_772_442_000),
            digest: nil)
    }

    private func view(_ service: ServiceHarness) async throws -> View {
        try await service.request(.get, "/v1/programme", as: [.ministry]).decode(View.self)
    }

    @Test func retractedAndExcludedResponsesLeaveEveryFigureAndStayBehindIt() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given: two promoters, a passive, a detractor
            let scores = [10, 9, 7, 0]
            let items = (0..<4).map { item(UInt8($0), version: 1, .valid) }
            let values = zip(items, scores).map { item, score in
                ResponseValues(response: item.response, version: 1, salt: "s", score: score, answers: [score])
            }
            let subject = experiment.lowercase
            try await service.deliver(
                ResponsesRecorded(experiment: experiment, items: items, personal: values), subject: subject)
            #expect(try await view(service).responses.first?.nps == "25.00")
            // when
            try await service.deliver(
                ResponseRetracted(experiment: experiment, item: item(0, version: 2, .retracted)), subject: subject)
            try await service.deliver(
                ResponseExcluded(
                    experiment: experiment, item: item(3, version: 2, .excluded), reason: "experiment-completed"),
                subject: subject)
            // then: a promoter and a passive
            let cell = try #require(try await view(service).responses.first)
            #expect(cell.n == 2 && cell.scored == 2 && cell.promoters == 1)
            #expect(cell.mean == "8.00" && cell.nps == "50.00")
            let behind = try await service.request(.get, "/v1/figures/\(cell.figure)/events", as: [.operator])
                .decode(Events.self)
            #expect(
                behind.items.map(\.type) == [
                    ResponsesRecorded.type.name, ResponseRetracted.type.name, ResponseExcluded.type.name,
                ])
        }
    }

    private struct Letter: Equatable {
        let body: String
        let isErased: Bool
    }

    /// By the numbers under which they were buried.
    private func letters(_ service: ServiceHarness) async throws -> [Letter] {
        try await service.pool.query("select body, erased_at from dead_letters order by id").map { row in
            Letter(
                body: String(decoding: try row.get("body", as: [UInt8].self), as: UTF8.self),
                isErased: try row.get("erased_at", as: Date?.self) != nil)
        }
    }

    private func bury(_ type: EventType, _ data: [UInt8], _ service: ServiceHarness) async throws {
        let body = EventEnvelope(
            id: UUID(), type: type, subject: experiment.lowercase, time: Date(timeIntervalSince1970: 1_772_442_000),
            sequence: 9, correlationID: "test", data: data
        ).encoded()
        try await service.pool.query(
            """
            insert into dead_letters (type, class, reason, exchange, routing_key, headers, body, attempts, state)
            values (\(type.name), 'test', 'test', '', '', '{}', \(body), 1, 'dropped')
            """)
    }

    @Test func whatIsTakenBackGoesOutOfDeadLettersToo() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given: letters with the values of two responses, a correction, one nobody can read, and another type
            let items = [item(5, version: 1, .valid), item(6, version: 1, .valid)]
            let values = items.map { item in
                ResponseValues(
                    response: item.response, version: 1, salt: "salt-\(item.response.lowercase)", score: 9, answers: [9]
                )
            }
            let (taken, other) = (items[0].response.lowercase, items[1].response.lowercase)
            try await bury(
                ResponsesRecorded.type,
                WireCoding.encode(ResponsesRecorded(experiment: experiment, items: items, personal: values)), service)
            try await bury(
                ResponseAmended.type,
                WireCoding.encode(
                    ResponseAmended(experiment: experiment, item: items[0], personal: values[0])), service)
            try await bury(ResponsesRecorded.type, Array(#"{"of":"\#(taken)"}"#.utf8), service)
            try await bury(ResponsesRecorded.type, Array(#"{"of":"\#(other)"}"#.utf8), service)
            try await bury(ResponseRetracted.type, Array(#"{"of":"\#(taken)"}"#.utf8), service)
            let before = try await letters(service)
            // when
            try await service.deliver(
                ResponseRetracted(experiment: experiment, item: item(5, version: 2, .retracted)),
                subject: experiment.lowercase)
            // then
            let after = try await letters(service)
            #expect(!after[0].body.contains("salt-\(taken)") && after[0].body.contains("salt-\(other)"))
            let left = try WireCoding.decode(
                ResponsesRecorded.self, from: EventEnvelope(decoding: Array(after[0].body.utf8)).data)
            #expect(left.items == items && left.personal == [values[1]])
            #expect(!after[1].body.contains("salt-") && after[1].body.contains(taken))
            #expect(after[2].body.isEmpty)
            #expect(after.map(\.isErased) == [true, true, true, false, false])
            #expect(Array(after[3...]) == Array(before[3...]))
        }
    }

    @Test func aLostMilestoneIsShownAsLostWhateverComesLast() async throws {
        for order in [[1, 2], [2, 1]] {
            try await ServiceHarness.with(ReportingService.self) { service in
                // given
                let instant = Date(timeIntervalSince1970: 1_772_442_000)
                let reached = MilestoneReached(
                    experiment: experiment, milestone: "two", responsesCountMin: 2, responsesCount: 2,
                    reachedAt: instant)
                let lost = MilestoneLost(
                    experiment: experiment, milestone: "two", responsesCountMin: 2, responsesCount: 1, lostAt: instant,
                    version: 2)
                // when
                for number in order {
                    if number == 1 {
                        try await service.deliver(reached, subject: experiment.lowercase, sequence: 1)
                    } else {
                        try await service.deliver(lost, subject: experiment.lowercase, sequence: 2)
                    }
                }
                // then
                let line = try #require(try await view(service).milestones.first)
                #expect(!line.isReached && line.reachedAt == nil && line.lostAt == instant && line.responsesCount == 1)
            }
        }
    }
}
