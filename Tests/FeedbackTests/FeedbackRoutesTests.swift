import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Feedback

@Suite("What people may read of the intake")
struct FeedbackRoutesTests {
    private struct Summary: Decodable {
        struct Cell: Decodable, Equatable {
            let instrument: String
            let occasion: String
            let responsesCount: Int
            let scoreSum: Int
        }
        let responsesCount: Int
        let participantsCount: Int
        let cells: [Cell]
    }

    private struct Page<Item: Decodable>: Decodable {
        let items: [Item]
        let next: String?
    }

    private struct Quarantined: Decodable {
        let reason: String
        let body: Data
    }

    @Test func theSummaryCountsAndAddsUp() async throws {
        try await IntakeLab.with { lab in
            // given
            var net = lab.event("c")
            net.instrument = "NPS"
            net.answers = "[9]"
            try await lab.settle(lab.event("a"), lab.event("b", participant: 1), net)
            // when
            let answer = try await lab.service.request(
                .get, "/v1/experiments/\(lab.experiment)/responses/summary", as: [.siteManager])
            // then
            let summary = try answer.decode(Summary.self)
            #expect(summary.responsesCount == 3 && summary.participantsCount == 400)
            #expect(
                summary.cells == [
                    .init(instrument: "NPS", occasion: "M3", responsesCount: 1, scoreSum: 9),
                    .init(instrument: "SUS", occasion: "M3", responsesCount: 2, scoreSum: 1500),
                ])
        }
    }

    @Test func theQuarantineShowsMessagesAsTheyCamePageByPage() async throws {
        try await IntakeLab.with { lab in
            // given
            let bodies = (0..<3).map { Array("nonsense \($0)".utf8) }
            for body in bodies { _ = try await lab.intake.settle([lab.message(body)]) }
            // when
            let first = try await lab.service.request(
                .get, "/v1/quarantine?publisher=telehealth&limit=2", as: [.operator]
            ).decode(Page<Quarantined>.self)
            let rest = try await lab.service.request(
                .get, "/v1/quarantine?publisher=telehealth&limit=2&after=\(first.next ?? "")", as: [.operator]
            ).decode(Page<Quarantined>.self)
            // then
            #expect((first.items + rest.items).map { Array($0.body) } == bodies.reversed())
            #expect(rest.next == nil)
        }
    }

    @Test func anEventsReceiptCanBeAskedFor() async throws {
        try await IntakeLab.with { lab in
            struct Receipt: Decodable {
                let outcome: String
                let reason: String?
            }
            try await lab.settle(lab.event("a"))
            try await lab.settle(lab.event("a", participant: 1))
            let answer = try await lab.service.request(
                .get, "/v1/receipts?source=urn:app&id=a", as: [.operator]
            ).decode(Page<Receipt>.self)
            #expect(answer.items.map(\.outcome) == ["accepted", "refused"])
            #expect(answer.items.last?.reason == "identity-conflict")
        }
    }

    @Test func onlyTheRolesMayReadAndBadRequestsSayWhy() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            let quarantine = "/v1/quarantine?publisher=telehealth"
            #expect(try await lab.service.request(.get, quarantine).status == .unauthorized)
            #expect(try await lab.service.request(.get, quarantine, as: [.siteManager]).status == .forbidden)
            let nothing = try await lab.service.request(.get, "/v1/quarantine", as: [.operator])
            #expect(nothing.problem?.field == "publisher")
            let unknown = try await lab.service.request(.get, "/v1/receipts?source=x&id=y", as: [.operator])
            #expect(unknown.status == .notFound)
            let summary = "/v1/experiments/\(UUID())/responses/summary"
            #expect(try await lab.service.request(.get, summary, as: [.operator]).status == .notFound)
        }
    }
}
