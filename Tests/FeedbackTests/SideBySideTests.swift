import Events
import Foundation
import Outbox
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Feedback

@Suite("Batches of one experiment side by side", .timeLimit(.minutes(5)))
struct SideBySideTests {
    /// Settles events in a transaction that stays open until the body returns.
    private func holding(_ lab: IntakeLab, _ events: OutsideEvent..., body: () async throws -> Void) async throws {
        try await lab.service.pool.withTransaction { transaction in
            _ = try await lab.intake.settle(
                events.map { lab.message($0.body) }, .amongAdditions, cause: EventCause(correlationID: "test"),
                in: transaction)
            // What waits for COMMIT goes out too.
            try await transaction.query("select 1 as one")
            try await body()
        }
    }

    /// Settles an event beside an open transaction with others, and waits until it cannot go on.
    /// - Returns: what it came to, and whether it got its experiment while the transaction was open.
    private func settle(
        _ event: OutsideEvent, beside others: OutsideEvent, _ lab: IntakeLab
    ) async throws -> (tally: IntakeTally, wasBeside: Bool) {
        let began = Witness()
        var wasBeside = false
        let tally = try await withThrowingTaskGroup(of: IntakeTally.self) { group in
            try await holding(lab, others) {
                group.addTask { try await lab.intake.settle([lab.message(event.body)]) { began.note() } }
                try await waitUntil("it waits for the other") { try await lab.blockedCount() == 1 }
                wasBeside = began.hasSeen
            }
            return try #require(try await group.next())
        }
        return (tally, wasBeside)
    }

    private final class Witness: Sendable {
        private let seen = Mutex(false)
        var hasSeen: Bool { seen.withLock { $0 } }
        func note() { seen.withLock { $0 = true } }
    }

    @Test func anAnswerIsJudgedWhileThoseBeforeItAreNotCommittedAndTheCountsAndMilestonesAreRight() async throws {
        try await IntakeLab.with(milestones: [MilestoneTerms(milestone: "two", responsesCountMin: 2)]) { lab in
            // when
            let (tally, wasBeside) = try await settle(
                lab.event("b", participant: 1), beside: lab.event("a"), lab)
            // then
            #expect(wasBeside && tally.accepted == 1)
            #expect(try await lab.count("responses") == 2)
            let counts = try await lab.service.pool.query("select responses_count from experiments")
            #expect(try counts[0].get("responses_count", as: Int.self) == 2)
            let reached = try await lab.service.recordedEvents(type: MilestoneReached.type.name)
            #expect(try reached.map { try $0.decode(MilestoneReached.self).responsesCount } == [2])
            let told = try await lab.service.recordedEvents(type: ResponsesRecorded.type.name)
            #expect(try told.flatMap { try $0.decode(ResponsesRecorded.self).items }.count == 2)
        }
    }

    @Test func ofTwoAnswersOfOneParticipantTheSecondIsRefusedAndNothingOfItCounts() async throws {
        try await IntakeLab.with { lab in
            // given
            var second = lab.event("b")
            second.answers = "[1,1,1,1,1,1,1,1,1,1]"
            // when
            let (tally, _) = try await settle(second, beside: lab.event("a"), lab)
            // then
            #expect(tally.refused == 1 && tally.accepted == 0)
            #expect(try await lab.receipt(of: "b").reason == "already-answered")
            #expect(try await lab.receipts().map(\.id) == ["a", "b"])
            #expect(try await lab.count("responses") == 1)
            #expect(try await lab.count("response_values") == 1)
            #expect(try await lab.scores() == ["P000": 750])
        }
    }

    @Test func theSameEventTwiceCountsOnce() async throws {
        try await IntakeLab.with { lab in
            // when
            let (tally, _) = try await settle(lab.event("a"), beside: lab.event("a"), lab)
            // then
            #expect(tally.duplicates == 1 && tally.accepted == 0)
            #expect(try await lab.receipts().map(\.outcome) == [.accepted, .duplicate])
            #expect(try await lab.count("response_values") == 1)
        }
    }

    @Test func aCorrectionWaitsUntilWhatItCorrectsIsCommittedAndThenCounts() async throws {
        try await IntakeLab.with { lab in
            // given
            var correction = lab.event("b", day: 90.5)
            correction.amends = "a"
            correction.answers = "[5,1,5,1,5,1,5,1,5,1]"
            // when
            let (tally, wasBeside) = try await settle(correction, beside: lab.event("a"), lab)
            // then
            #expect(!wasBeside && tally.accepted == 1)
            #expect(try await lab.count("waiting") == 0)
            #expect(try await lab.scores() == ["P000": 1000])
        }
    }

    @Test func aCorrectionThatCameFirstIsNotOverlookedByTheAnswer() async throws {
        try await IntakeLab.with { lab in
            // given
            var correction = lab.event("b", day: 90.5)
            correction.amends = "a"
            correction.answers = "[5,1,5,1,5,1,5,1,5,1]"
            #expect(try await lab.settle(correction).waiting == 1)
            // when
            let (tally, _) = try await settle(lab.event("a"), beside: lab.event("c", participant: 1), lab)
            // then
            #expect(tally.accepted == 2)
            #expect(try await lab.scores() == ["P000": 1000, "P001": 750])
        }
    }
}
