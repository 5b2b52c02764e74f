import Events
import Foundation
import HTTPTypes
import Identity
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
