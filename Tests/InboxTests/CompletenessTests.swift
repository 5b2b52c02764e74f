import Events
import Foundation
import Inbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// What a listener says is missing, of what an owner says it logged.
@Suite struct CompletenessTests {
    private let milestoneType = "feedback.milestone.reached.v1"

    // MARK: Missing

    @Test func aLostLastEventIsSeenAndItsRepetitionMendsIt() async throws {
        try await withInbox { pool in
            // given
            let inbox = listener(pool)
            try await inbox.process(milestones([1, 2, 3].map { ($0, at: $0) }))
            try await inbox.process([checkpoint(at: 4, [milestoneType: 4], changed: ["a": 4])])
            // then
            var report = try await pool.completeness()
            #expect(report.counts.map(\.missingCount) == [1] && report.counts.map(\.receivedCount) == [3])
            #expect(report.holes.map(\.missingSequence) == [4] && report.holes.map(\.knownSequence) == [4])
            #expect(report.checkpoints.first { $0.owner == .feedback }?.position == 4)
            #expect(!report.isComplete)
            // when
            try await inbox.process(milestones([(4, at: 4)]))
            // then
            report = try await pool.completeness()
            #expect(report.isComplete && report.missingCount == 0)
            #expect(try await pool.effects() == [1, 2, 3, 4])
        }
    }

    @Test func aLostEventIsSeenWhileOthersGoOnArriving() async throws {
        try await withInbox { pool in
            // given: the tenth of 400 is lost, and the owner has summed up to the end of a slice and a little further
            let inbox = listener(pool, .commutative)
            try await inbox.process(
                milestones((Int64(1)...400).filter { $0 != 10 }.map { ($0, at: $0) }))
            try await inbox.process([
                checkpoint(1, at: 255, [milestoneType: 255]), checkpoint(2, at: 300, [milestoneType: 300]),
            ])
            // then: 100 events beyond the latest checkpoint do not hide the one
            #expect(try await pool.completeness().missingCount == 1)
        }
    }

    @Test func whatIsAheadOfTheCheckpointIsNotMissing() async throws {
        try await withInbox { pool in
            // given
            let inbox = listener(pool, .commutative)
            try await inbox.process(milestones((Int64(1)...300).map { ($0, at: $0) }))
            // when
            try await inbox.process([checkpoint(at: 255, [milestoneType: 255])])
            // then
            #expect(try await pool.completeness().isComplete)
        }
    }

    @Test func anOlderCheckpointThatComesLateChangesNothing() async throws {
        try await withInbox { pool in
            // given
            let inbox = listener(pool)
            try await inbox.process(milestones([(1, at: 1)]))
            // when
            try await inbox.process([checkpoint(2, at: 9, [milestoneType: 2])])
            try await inbox.process([checkpoint(1, at: 1, [milestoneType: 1])])
            // then
            #expect(try await pool.completeness().missingCount == 1)
        }
    }

    @Test func typesThatTheListenerDoesNotFollowDoNotCount() async throws {
        try await withInbox { pool in
            // given: experimentation follows milestones and no responses
            let inbox = InboxProcessor(
                listener: .experimentation, pool: pool, handlers: [], logger: TestBroker.quietLogger)
            // when
            try await inbox.process([
                checkpoint(at: 9, [milestoneType: 1, "feedback.responses.recorded.v1": 8])
            ])
            // then
            let counts = try await Completeness(listener: .experimentation, pool: pool).report().counts
            #expect(counts.map(\.type) == [milestoneType] && counts.map(\.missingCount) == [1])
        }
    }

    @Test func anOwnerThatNeverGaveItsWordIsNotProvenComplete() async throws {
        try await withInbox { pool in
            // when
            try await listener(pool).process(milestones([(1, at: 1)]))
            // then
            let report = try await pool.completeness()
            #expect(report.unproven == [.feedback] && !report.isComplete)
        }
    }

    @Test func whatWasPublishedBeforeTheListenerCameCanBeGivenUp() async throws {
        try await withInbox { pool in
            // given
            let inbox = listener(pool, .commutative)
            try await inbox.process([checkpoint(1, at: 100, [milestoneType: 100])])
            #expect(try await pool.completeness().missingCount == 100)
            // when
            let completeness = Completeness(listener: .reporting, pool: pool)
            #expect(try await completeness.waive(.feedback, reason: "before our time", actor: "Claude Martin") == 100)
            // then
            #expect(try await pool.completeness().isComplete)
            // when: what comes after it is counted as ever, and the waiver does not grow with it
            try await inbox.process(milestones([(101, at: 101)]))
            try await inbox.process([checkpoint(2, at: 102, [milestoneType: 102])])
            // then
            #expect(try await pool.completeness().missingCount == 1)
        }
    }

    @Test func whatWasGivenUpAndCameAfterAllHidesNoLaterLoss() async throws {
        try await withInbox { pool in
            // given: ten are given up
            let inbox = listener(pool, .commutative)
            let completeness = Completeness(listener: .reporting, pool: pool, holeAge: .zero)
            try await inbox.process([checkpoint(1, at: 10, [milestoneType: 10])])
            _ = try await completeness.waive(.feedback, reason: "before our time", actor: "Claude Martin")
            try await completeness.compact()
            #expect(try await completeness.report().isComplete)
            // when: they are replayed, and of what follows five are lost
            try await inbox.process(milestones((Int64(1)...250).map { ($0, at: $0) }))
            try await inbox.process([checkpoint(2, at: 255, [milestoneType: 250])])
            try await completeness.compact()
            try await inbox.process(milestones((Int64(256)...505).map { ($0, at: $0) }))
            try await inbox.process([checkpoint(3, at: 511, [milestoneType: 505])])
            // then
            #expect(try await completeness.report().missingCount == 5)
        }
    }

    // MARK: Counting

    @Test func redeliveriesBisectionAndDeadLettersCountOnce() async throws {
        try await withInbox { pool in
            // given: a batch of which one event fails, with nobody to say which
            let picky = EventHandler.batch(MilestoneReached.self) { events, transaction in
                guard !events.contains(where: { $0.event.sequence == 5 }) else {
                    throw PermanentFailure(class: "test", reason: "cannot be")
                }
                for (_, event) in events { try await note(event, transaction) }
            }
            let inbox = InboxProcessor(
                listener: .reporting, pool: pool, handlers: [picky], settings: impatientSettings,
                logger: TestBroker.quietLogger)
            let all = try milestones((Int64(1)...8).map { ($0, at: $0) })
            // when
            try await inbox.process(all)
            try await inbox.process(all, deliveryCount: 1)
            try await inbox.process(Array(all[2...6]) + Array(all[2...3]))
            try await inbox.process([checkpoint(at: 8, [milestoneType: 8])])
            // then
            let report = try await pool.completeness()
            #expect(report.counts.map(\.receivedCount) == [8] && report.isComplete)
            #expect(report.backlog.deadLetterCount == 1)
            #expect(try await pool.effectCount() == 7)
        }
    }

    @Test(arguments: UInt64(0)..<4) func workersCountTogetherWhateverComesTwiceAndIsSummedUpMeanwhile(
        seed: UInt64
    ) async throws {
        try await withInbox { pool in
            // given: every event at least once and many twice, for two workers
            var random = SeededGenerator(seed: seed)
            let positions = (Int64(1)...600).filter { $0 != 77 }
            var batches: [[[OutgoingMessage]]] = [[], []]
            let all = try milestones(positions.map { ($0, at: $0) })
            var rest = (all + all.filter { _ in Bool.random(using: &random) }).shuffled(using: &random)[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...60, using: &random)
                batches[Int.random(in: 0...1, using: &random)].append(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            let inbox = listener(pool, .commutative)
            let completeness = Completeness(listener: .reporting, pool: pool, holeAge: .zero)
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for mine in batches {
                    group.addTask { for batch in mine { try await inbox.process(batch) } }
                }
                for _ in 0..<2 {
                    group.addTask { for _ in 0..<20 { try await completeness.compact() } }
                }
                try await group.waitForAll()
            }
            try await inbox.process([
                checkpoint(1, at: 511, [milestoneType: 511]), checkpoint(2, at: 600, [milestoneType: 600]),
            ])
            // then: as it lies, and summed up below the checkpoint
            for _ in 0..<2 {
                let report = try await completeness.report()
                #expect(report.counts.map(\.receivedCount) == [599] && report.missingCount == 1, "seed \(seed)")
                try await completeness.compact()
            }
            let rows = try await pool.query(
                "select (select count(*) from inbox_receipts) as raw, (select count(*) from inbox_counts) as summed")
            #expect(try rows[0].get("raw", as: Int.self) == 0)
            #expect(try rows[0].get("summed", as: Int.self) == 2)
        }
    }

    // MARK: Holes

    @Test func aGapIsAHoleOnceItIsOldEnough() async throws {
        try await withInbox { pool in
            // when
            let late = try milestones([(4, at: 4), (5, at: 5)])
            try await listener(pool).process(milestones([(1, at: 1)]) + late)
            // then
            let hole = try #require(try await pool.completeness().holes.first)
            #expect(hole.missingSequence == 2 && hole.knownSequence == 5 && hole.noun == "milestone")
            #expect(hole.waiting == late.map(\.messageID))
            let patient = Completeness(listener: .reporting, pool: pool)
            #expect(try await patient.report().holes.isEmpty)
        }
    }

    @Test func whatIsHereAndCannotBeAppliedIsNoHole() async throws {
        try await withInbox { pool in
            // given: the second event of one subject is not ready, and of another among the dead letters
            let handler = EventHandler.on(MilestoneReached.self) { _, event, transaction in
                guard event.sequence == 2 else {
                    try await note(event, transaction)
                    return .applied
                }
                if event.subject == "a" { return .notReady(reason: "later") }
                throw PermanentFailure(class: "test", reason: "never")
            }
            let inbox = InboxProcessor(
                listener: .reporting, pool: pool, handlers: [handler], settings: impatientSettings,
                logger: TestBroker.quietLogger)
            // when
            for subject in ["a", "b"] {
                try await inbox.process(milestones([1, 2, 3].map { ($0, at: $0) }, of: subject))
            }
            try await inbox.process([checkpoint(at: 6, [milestoneType: 6], changed: ["a": 3, "b": 3])])
            // then
            let report = try await pool.completeness()
            #expect(report.holes.isEmpty && report.isComplete)
            #expect(report.backlog.notReadyCount == 1 && report.backlog.deadLetterCount == 1)
        }
    }

    @Test func aSubjectThatCaughtUpBeginsAnew() async throws {
        try await withInbox { pool in
            // given: told of 2 long ago, which came since
            let inbox = listener(pool)
            try await inbox.process([checkpoint(1, at: 2, [milestoneType: 2], changed: ["a": 2])])
            try await pool.query("update inbox_heads set noted_at = now() - interval '1 hour'")
            try await inbox.process(milestones([(1, at: 1), (2, at: 2)]))
            // when
            try await inbox.process([checkpoint(2, at: 3, [milestoneType: 3], changed: ["a": 3])])
            // then
            let patient = Completeness(listener: .reporting, pool: pool)
            #expect(try await patient.report().holes.isEmpty)
            #expect(try await pool.completeness().holes.map(\.missingSequence) == [3])
        }
    }

    // MARK: Building

    private func listener(_ pool: PostgresPool, _ order: HandlerOrder = .inSequence) -> InboxProcessor {
        InboxProcessor(
            listener: .reporting, pool: pool, handlers: [noteMilestones(order)], logger: TestBroker.quietLogger)
    }

    /// Milestones with their places in the log.
    private func milestones(
        _ places: [(sequence: Int64, at: Int64)], of subject: String = "a"
    ) throws -> [OutgoingMessage] {
        try zip(places, InboxTests.milestones(places.map(\.sequence), of: subject)).map { place, message in
            var message = message
            message.headers.append(("log-position", .int(place.at)))
            return message
        }
    }

    private func checkpoint(
        _ sequence: Int64 = 1, at position: Int64, _ counts: [String: Int64], changed: [String: Int64] = [:]
    ) throws -> OutgoingMessage {
        let marks = changed.map { SubjectMark(noun: "milestone", subject: $0, sequence: $1) }
        return try EventBuilders.message(
            LogCheckpointed<FeedbackLog>(
                position: position, counts: counts, changed: marks, changedCount: marks.count),
            subject: "feedback", sequence: sequence)
    }
}

extension PostgresPool {
    /// What is missing now, however young.
    fileprivate func completeness() async throws -> CompletenessReport {
        try await Completeness(listener: .reporting, pool: self, holeAge: .zero).report()
    }
}
