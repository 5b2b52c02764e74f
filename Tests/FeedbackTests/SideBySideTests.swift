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

    @Test func ofTwoAnswersInTheExcludedPlaceOfAnotherTheSecondIsRefusedForWhatItIs() async throws {
        try await IntakeLab.with { lab in
            // given: an answer that a late fact excluded
            try await lab.settle(lab.event("late", day: 92))
            try await lab.service.deliver(
                ExperimentCompleted(
                    experiment: lab.experiment, site: UUID(), agreement: UUID(), participantsCount: 1,
                    completedAt: lab.start + 91 * 86_400), subject: lab.experiment.lowercase)
            #expect(try await lab.receipt(of: "late").outcome == .excluded)
            // when
            let (tally, wasBeside) = try await settle(lab.event("b"), beside: lab.event("a"), lab)
            // then
            #expect(wasBeside && tally.refused == 1)
            #expect(try await lab.receipt(of: "b").reason == "already-answered")
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            let versions = try await lab.service.pool.query("select version from response_values order by version")
            #expect(try versions.map { try $0.get("version", as: Int32.self) } == [1, 2, 3])
        }
    }

    @Test func theSameEventTwiceWaitsOnceAndAlarmsNobody() async throws {
        try await IntakeLab.with { lab in
            // given: somebody who is not enrolled yet
            let early = lab.event("a", participant: IntakeLab.participantCount)
            // when
            let (tally, _) = try await settle(early, beside: early, lab)
            // then
            #expect(tally.duplicates == 1 && tally.waiting == 0)
            #expect(try await lab.count("waiting") == 1)
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

    // MARK: Through a queue

    @Test func correctionsBehindTheirAnswersNeverWaitForThemHoweverManyBatchesAreOut() async throws {
        try await IntakeLab.with { lab in
            try await OutsideBroker.with { broker in
                // given: every hundred answers are followed by their corrections
                var bodies: [[UInt8]] = []
                for hundred in 0..<4 {
                    let numbers = hundred * 100..<hundred * 100 + 100
                    bodies += numbers.map { lab.event("v\($0)", participant: $0).body }
                    bodies += numbers.map { number in
                        var correction = lab.event("a\(number)", participant: number, day: 90.5)
                        correction.amends = "v\(number)"
                        return correction.body
                    }
                }
                try await broker.publish(bodies)
                // when
                try await broker.run(lab, replicas: 1) { try await lab.finalReceiptCount() == 800 }
                // then
                #expect(try await lab.receipts().allSatisfy { $0.outcome == .accepted })
                #expect(try await lab.count("responses") == 400)
                #expect(try await lab.count("response_values") == 800)
            }
        }
    }

    private struct Released: Error {}

    @Test func aCorrectionDoesNotOvertakeAnEventThatCannotBeRead() async throws {
        try await IntakeLab.with { lab in
            try await OutsideBroker.with { broker in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    let intake = broker.intake(lab, consumer: broker.consumer())
                    // given: an event without a content, held up in the middle
                    await #expect(throws: Released.self) {
                        try await lab.service.pool.withTransaction { transaction in
                            try await transaction.query(
                                """
                                insert into identities (key, publisher, source, event_id, content_hash, outcome, reason)
                                values (identity_key(\(broker.publisher), 'urn:app', 'v'), \(broker.publisher),
                                    'urn:app', 'v', decode(repeat('00', 32), 'hex'), 'refused', 'held')
                                """)
                            group.addTask { try? await intake.run() }
                            try await broker.publish([Array(#"{"specversion":"1.0","id":"v","source":"urn:app"}"#.utf8)]
                            )
                            try await waitUntil("it is held up") { try await lab.blockedCount() == 1 }
                            // when: its correction comes, and has time to be settled
                            var correction = lab.event("a")
                            correction.amends = "v"
                            try await broker.publish([correction.body])
                            var lookCount = 0
                            try await waitUntil("it was looked for many times") {
                                lookCount += 1
                                let waitingCount = try await lab.count("waiting")
                                return lookCount == 20 || waitingCount > 0
                            }
                            #expect(try await lab.count("waiting") == 0)
                            throw Released()
                        }
                    }
                    // then
                    try await waitUntil("both are told") { try await lab.receipts().count == 2 }
                    let reasons = try await lab.receipts().map(\.reason)
                    #expect(reasons == ["unsupported-type", "amends-refused"])
                    group.cancelAll()
                }
            }
        }
    }
}
