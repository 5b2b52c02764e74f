import Events
import FeedbackDomain
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Responses that are taken back")
struct RetractionTests {
    private func summary(_ lab: IntakeLab) async throws -> ResponsesSummary {
        try #require(try await FeedbackReadings(pool: lab.service.pool).summary(of: lab.experiment))
    }

    @Test func aRetractedResponseCountsNoMoreAndItsValuesAreGone() async throws {
        try await IntakeLab.with { lab in
            // given
            var first = lab.event("a")
            first.comment = "said in haste"
            var second = lab.event("b", day: 90.5)
            second.amends = "a"
            try await lab.settle(first, second, lab.event("other", participant: 1))
            // when
            try await lab.settle(lab.retraction("x", of: "b"))
            // then
            #expect(try await lab.receipt(of: "x").outcome == .accepted)
            #expect(try await lab.scores() == ["P001": 750])
            #expect(try await summary(lab).responsesCount == 1)
            #expect(try await summary(lab).cells.map(\.responsesCount) == [1])
            let left = try await lab.service.pool.query("select from response_values where answers is not null")
            #expect(left.count == 1)
            let told = try await lab.service.recordedEvents(type: ResponseRetracted.type.name)
            let item = try #require(try told.first?.decode(ResponseRetracted.self).item)
            #expect(item.version == 3 && item.state == .retracted && item.digest == nil)
            #expect(item.instrumentVersion == "F-SUS-2021")
        }
    }

    @Test func aMilestoneIsLostBelowItsNumberAndReachedAgainUnderTheNextVersion() async throws {
        try await IntakeLab.with(milestones: [MilestoneTerms(milestone: "two", responsesCountMin: 2)]) { lab in
            // given
            try await lab.settle(lab.event("a"), lab.event("b", participant: 1))
            // when
            try await lab.settle(lab.retraction("x", of: "a"))
            var again = lab.event("c", day: 92)
            again.amends = "x"
            try await lab.settle(again)
            // then
            let events = try await lab.service.recordedEvents().filter { $0.type.hasPrefix("feedback.milestone") }
            #expect(
                events.map(\.type) == [
                    MilestoneReached.type.name, MilestoneLost.type.name, MilestoneReached.type.name,
                ])
            #expect(try events[1].decode(MilestoneLost.self).version == 2)
            #expect(try events[1].decode(MilestoneLost.self).responsesCount == 1)
            #expect(try events[2].decode(MilestoneReached.self).version == 3)
            #expect(try await summary(lab).milestones.map(\.reachedCount) == [2])
            #expect(try await lab.scores() == ["P000": 750, "P001": 750])
        }
    }

    /// Original, correction of it, and what takes the correction back; each before the others, apart or in one batch.
    @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [true, false])
    func retractionsEndAlikeWhateverComesFirst(permutation: [Int], isOneBatch: Bool) async throws {
        try await IntakeLab.with(milestones: [MilestoneTerms(milestone: "one", responsesCountMin: 1)]) { lab in
            // given
            var correction = lab.event("b", day: 91)
            correction.amends = "a"
            let events = [lab.event("a"), correction, lab.retraction("x", of: "b", day: 92)]
            // when
            let messages = permutation.map { lab.message(events[$0].body) }
            if isOneBatch {
                _ = try await lab.intake.settle(messages)
            } else {
                for message in messages { _ = try await lab.intake.settle([message]) }
            }
            // then
            #expect(try await lab.scores() == [:])
            #expect(try await lab.count("waiting") == 0)
            let summary = try await summary(lab)
            #expect(summary.responsesCount == 0 && summary.milestones.map(\.reachedAt) == [nil])
        }
    }

    @Test func aPlainEventAfterARetractionIsToldTheWayBack() async throws {
        try await IntakeLab.with { lab in
            try await lab.settle(lab.event("a"), lab.retraction("x", of: "a"))
            try await lab.settle(lab.event("b", day: 92))
            let receipt = try await lab.receipt(of: "b")
            #expect(receipt.reason == "already-answered")
            #expect(receipt.mend?.contains("taken back") == true && receipt.mend?.contains("amendment") == true)
        }
    }

    @Test(arguments: [#""answers":[1]"#, #""comment":"x""#, #""amends":"a""#])
    func aRetractionSaysNothingElse(member: String) async throws {
        try await IntakeLab.with { lab in
            let plain = String(decoding: lab.retraction("x", of: "a").body, as: UTF8.self)
            let body = plain.replacing(#""retracts""#, with: "\(member),\"retracts\"")
            _ = try await lab.intake.settle([lab.message(Array(body.utf8))])
            #expect(try await lab.receipt(of: "x").reason == "invalid-field")
        }
    }
}
