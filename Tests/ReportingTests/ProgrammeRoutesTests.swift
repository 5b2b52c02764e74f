import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Reporting

@Suite("The programme as told by the others' events")
struct ProgrammeRoutesTests {
    private struct Amount: Decodable { let cents: Int64 }
    private struct Count: Decodable {
        let count: Int
        let figure: String
    }

    private struct View: Decodable {
        struct Line: Decodable { let envelope, reserved, committed, released, paid: Amount }
        struct Agreement: Decodable {
            struct Tranche: Decodable { let state: String }
            let paid: Amount
            let tranches: [Tranche]
        }
        struct Money: Decodable {
            let total, animation, experiments: Line
            let agreements: [Agreement]
        }
        struct Applications: Decodable {
            struct Ineligible: Decodable {
                let siren: String
                let reasons: [String]
            }
            struct Reserved: Decodable { let rank: Int }
            let byState: [String: Count]
            let ineligible: [Ineligible]
            let reserveList: [Reserved]
        }
        struct Experiment: Decodable {
            struct Cofunding: Decodable {
                let state: String
                let cents: Int64
            }
            let state: String
            let participants: Count
            let responsesCount: Int
            let cofunding: Cofunding
            let completedAt: Date?
            let terminatedAt: Date?
        }
        struct Cell: Decodable {
            let figure: String
            let instrument: String
            let isHidden: Bool
            let n: Int?
            let mean: String?
            let nps: String?
        }
        struct Freshness: Decodable {
            let owner: String
            let eventCount: Int
            let lagSeconds: Int?
        }
        let money: Money
        let places: [String: Count]
        let applications: Applications
        let experiments: [Experiment]
        let responses: [Cell]
        let freshness: [Freshness]
    }

    private struct Events: Decodable {
        struct Item: Decodable {
            let event: UUID
            let type: String
            let value: Int64?
        }
        let items: [Item]
        let next: String?
    }

    private func programme(_ service: ServiceHarness) async throws -> TestAnswer {
        try await service.request(.get, "/v1/programme", as: [.ministry])
    }

    @Test func everyFigureFollowsFromTheEvents() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            // when
            let view = try await programme(service).decode(View.self)
            // then
            #expect(try await service.deadLetterCount() == 0)
            let total = view.money.total
            #expect(total.envelope.cents == 150_000_000 && total.reserved.cents == 30_000_000)
            #expect(total.committed.cents == 30_000_000 && total.released.cents == 15_000_000)
            #expect(total.paid.cents == 15_000_000 && view.money.experiments.paid.cents == 0)
            #expect(view.money.agreements.first?.tranches.map(\.state) == ["paid", "opened"])
            #expect(
                view.applications.byState.filter { $0.value.count > 0 }.mapValues(\.count)
                    == ["contracted": 1, "reserve": 1, "ineligible": 1])
            #expect(view.applications.ineligible.first?.reasons == ["lead-not-a-health-structure"])
            #expect(view.applications.ineligible.first?.siren == "732829320")
            #expect(view.applications.reserveList.map(\.rank) == [2])
            #expect(
                view.places.mapValues(\.count) == [
                    "target": 30, "funded": 1, "reserve": 1, "contracted": 1, "opened": 1,
                ])
            let experiment = try #require(view.experiments.first)
            #expect(experiment.state == "running" && experiment.participants.count == 40)
            #expect(experiment.responsesCount == 80 && experiment.cofunding.cents == 10_000_000)
            // SUS (32 × 50 + 8 × 75) / 40; NPS 14 promoters, 13 passives, 13 detractors of 40.
            #expect(view.responses.map(\.instrument) == ["NPS", "SUS"] && view.responses.map(\.n) == [40, 40])
            #expect(view.responses[1].mean == "55.00" && view.responses[0].nps == "2.50")
            #expect(view.freshness.map(\.eventCount).reduce(0, +) == story.events.count)
            #expect(view.freshness.allSatisfy { $0.lagSeconds == 0 })
        }
    }

    @Test func anExperimentThatEndedBeforeItsTimeIsNeitherRunningNorCompleted() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            let end = story.start.addingTimeInterval(-3_600)
            // when
            try await service.deliver(
                ExperimentTerminated(
                    experiment: story.experiment, site: story.site, agreement: story.agreement, participantsCount: 40,
                    terminatedAt: end), subject: story.experiment.lowercase, sequence: 3)
            // then
            let experiment = try #require(try await programme(service).decode(View.self).experiments.first)
            #expect(experiment.state == "terminated" && experiment.terminatedAt == end)
            #expect(experiment.completedAt == nil && experiment.participants.count == 40)
            #expect(experiment.responsesCount == 80 && experiment.cofunding.cents == 10_000_000)
            #expect(try await service.deadLetterCount() == 0)
        }
    }

    @Test(arguments: 1...4) func everyOrderAndRepetitionEndsInTheSameAnswer(seed: UInt64) async throws {
        let story = Story()
        var expected = ""
        try await ServiceHarness.with(ReportingService.self) { service in
            try await story.deliver(story.events, to: service)
            expected = try await programme(service).text
        }
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            var generator = SeededGenerator(seed: seed)
            var events = story.events + story.events.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }
            events.shuffle(using: &generator)
            // when
            try await story.deliver(events, to: service)
            // then
            #expect(try await programme(service).text == expected)
        }
    }

    /// Three versions of each response at the same moment, none of which sees the others yet.
    @Test func aResponseCountsOnceWhenItsVersionsComeAtOnce() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let experiment = UUID()
            func recorded(_ round: UInt8, version: Int) -> ResponsesRecorded {
                let responses = (0..<40).map { Story.id(100 + round, $0) }
                return ResponsesRecorded(
                    experiment: experiment,
                    items: responses.map {
                        ResponseItem(
                            response: $0, version: version, state: .valid, instrument: "SUS", instrumentVersion: "1",
                            occasion: "M3", participant: $0, answeredAt: service.clock.now(), digest: "")
                    },
                    personal: responses.map {
                        ResponseValues(response: $0, version: version, salt: "", score: 250 * version, answers: [])
                    })
            }
            // when
            for round in UInt8(0)..<10 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for version in 1...3 {
                        let payload = recorded(round, version: version)
                        group.addTask { try await service.deliver(payload, subject: experiment.lowercase) }
                    }
                    try await group.waitForAll()
                }
            }
            // then
            let view = try await programme(service).decode(View.self)
            #expect(view.responses.map(\.n) == [400])
            #expect(view.responses.first?.mean == "75.00")
        }
    }

    @Test func eachFigureOpensDownToItsEvents() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            func events(_ figure: String) async throws -> Events {
                try await service.request(.get, "/v1/figures/\(figure)/events?limit=200", as: [.operator])
                    .decode(Events.self)
            }
            // when
            let paid = try await events("paid:\(story.agreement.uuidString)")
            let sus = try await events("responses%3A\(story.experiment.lowercase):SUS:M3")
            let participants = try await events("participants:\(story.experiment)")
            // then
            let executed = try #require(story.events.first { $0.payload is PaymentExecuted })
            #expect(paid.items.map(\.event) == [executed.id] && paid.items.first?.value == 15_000_000)
            #expect(sus.items.count == 4 + 16)
            #expect(participants.items.count == 40)
            let missing = try await service.request(.get, "/v1/figures/paid:nobody/events", as: [.operator])
            #expect(missing.status == .notFound)
        }
    }

    @Test func figuresArePagedWithoutLossOrRepetition() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            for (figure, count) in [("participants:\(story.experiment)", 40), ("applications:total", 3)] {
                // when
                var found: [UUID] = []
                var next: String?
                repeat {
                    let after = next.map { "&after=\($0)" } ?? ""
                    let page = try await service.request(
                        .get, "/v1/figures/\(figure)/events?limit=7\(after)", as: [.ministry]
                    ).decode(Events.self)
                    found += page.items.map(\.event)
                    next = page.next
                } while next != nil
                // then
                #expect(found.count == count && Set(found).count == count)
            }
        }
    }

    @Test func smallCellsAreHiddenFromThoseWhoMayNotSeeThem() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given: ten answers
            let story = Story()
            let first = try #require(story.events.first { $0.payload is ResponsesRecorded })
            try await story.deliver([first], to: service)
            // when
            let site = try await service.request(.get, "/v1/programme", as: [.siteManager]).decode(View.self)
            let ministry = try await programme(service).decode(View.self)
            // then
            #expect(site.responses.first?.isHidden == true && site.responses.first?.n == nil)
            #expect(site.responses.first?.mean == nil)
            #expect(ministry.responses.first?.n == 10 && ministry.responses.first?.mean == "50.00")
            let applicant = try await service.request(.get, "/v1/programme", as: [.applicant])
            #expect(applicant.status == .forbidden)
            #expect(try await service.request(.get, "/v1/programme").status == .unauthorized)
        }
    }

    @Test func theReceivedLogHoldsNoValuesAndNoCodes() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            // when
            let rows = try await service.pool.query("select data from received")
            // then
            for row in rows {
                let text: String = try row.get("data")
                #expect(!text.contains("SECRET") && !text.contains("\"score\"") && !text.contains("personal"))
            }
            #expect(rows.count == story.events.count)
        }
    }
}
