import Events
import Foundation
import Outbox
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CheckpointTests {
    @Test func aCheckpointCountsWhatTheLogHoldsAndIsMadeOnce() async throws {
        try await withOutbox { pool in
            // given
            try await pool.append(milestonesOf: "a", count: 3)
            try await pool.append(EventBuilders.new(EventBuilders.responseAmended(), subject: "b"))
            var maker = pool.checkpointMaker()
            // when
            #expect(try await maker.settle() == .recorded(position: 4, isPublished: true, hasMore: false))
            // then
            let checkpoint = try #require(try await pool.checkpoints().first)
            #expect(checkpoint.position == 4)
            #expect(checkpoint.counts == ["feedback.milestone.reached.v1": 3, "feedback.response.amended.v1": 1])
            #expect(
                checkpoint.changed == [
                    SubjectMark(noun: "response", subject: "b", sequence: 1),
                    SubjectMark(noun: "milestone", subject: "a", sequence: 3),
                ])
            // when: nothing was appended but the checkpoint itself
            #expect(try await maker.settle() == .recorded(position: 5, isPublished: false, hasMore: false))
            #expect(try await maker.settle() == .idle)
            // when: another process, after a restart
            try await pool.append(milestonesOf: "a", count: 1)
            var other = pool.checkpointMaker()
            _ = try await other.settle()
            // then: the counts go on from the beginning of the log, and only what changed is named
            let last = try #require(try await pool.checkpoints().last)
            #expect(try await pool.checkpoints().count == 2)
            #expect(last.counts == ["feedback.milestone.reached.v1": 4, "feedback.response.amended.v1": 1])
            #expect(last.changed == [SubjectMark(noun: "milestone", subject: "a", sequence: 4)])
        }
    }

    @Test func aWriterThatCommitsLateIsWaitedFor() async throws {
        try await withOutbox { pool in
            // given: positions of two transactions, interleaved
            var maker = pool.checkpointMaker()
            try await pool.withTransaction { late in
                try await late.appendNow(milestone("a"))
                try await pool.withTransaction { early in
                    try await early.appendNow(milestone("b"))
                    try await late.appendNow(milestone("c"))
                    try await early.appendNow(milestone("d"))
                }
                // when: only 2 and 4 are visible
                for _ in 0..<5 { #expect(try await maker.advance() == .unsettled) }
                #expect(try await pool.checkpoints().isEmpty)
            }
            // then
            #expect(try await maker.settle() == .recorded(position: 4, isPublished: true, hasMore: false))
            #expect(try await pool.checkpoints().map(\.counts) == [["feedback.milestone.reached.v1": 4]])
        }
    }

    /// A snapshot's `xmax` is one past the last transaction that ended: it says nothing of those that began since.
    @Test func aWriterBehindWhomNobodyEndedIsWaitedForToo() async throws {
        try await withOutbox { pool in
            var maker = pool.checkpointMaker()
            for round in 1...20 {
                try await pool.append(milestonesOf: "before \(round)", count: 1)
                try await pool.withTransaction { transaction in
                    // given
                    try await transaction.appendNow(milestone("writer \(round)"))
                    // then
                    for _ in 0..<3 { #expect(try await maker.advance() == .unsettled) }
                }
                _ = try await maker.settle()
            }
        }
    }

    @Test func noCheckpointEverLiesWhileWritersCommitInAnyOrder() async throws {
        try await withOutbox { pool in
            // given: transactions of other tests on the same server may hold the checkpoints up
            var round: UInt64 = 0
            while try await pool.checkpoints().count < 3, round < 40 {
                try await writeWhileCheckpointsAreMade(pool, seed: round)
                round += 1
            }
            var maker = pool.checkpointMaker()
            while try await maker.settle() != .idle {}
            // then: of every checkpoint, what can be counted now is what it said then
            let checkpoints = try await pool.checkpoints()
            #expect(checkpoints.count > 1)
            for checkpoint in checkpoints {
                let rows = try await pool.query(
                    """
                    select count(*) as n from events
                    where position <= \(checkpoint.position) and type = 'feedback.milestone.reached.v1'
                    """)
                let count = try rows[0].get("n", as: Int64.self)
                #expect(
                    checkpoint.counts["feedback.milestone.reached.v1"] == count, "up to position \(checkpoint.position)"
                )
            }
        }
    }

    private final class Writers: Sendable {
        let left: Mutex<Int>
        init(count: Int) { left = Mutex(count) }
    }

    private func writeWhileCheckpointsAreMade(_ pool: PostgresPool, seed: UInt64) async throws {
        let writerCount = 6
        let writers = Writers(count: writerCount)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writerCount {
                group.addTask {
                    defer { writers.left.withLock { $0 -= 1 } }
                    var random = SeededGenerator(seed: seed * 100 + UInt64(writer))
                    for _ in 0..<15 { try await write(as: writer, on: pool, using: &random) }
                }
            }
            // Without a pause between them.
            group.addTask {
                var maker = pool.checkpointMaker()
                while writers.left.withLock({ $0 > 0 }) { _ = try await maker.advance() }
            }
            try await group.waitForAll()
        }
    }

    private func write(as writer: Int, on pool: PostgresPool, using random: inout SeededGenerator) async throws {
        let steps = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            (
                subject: "\(writer) \(Int.random(in: 0...3, using: &random))",
                pause: Double.random(in: 0...0.008, using: &random)
            )
        }
        try await pool.withTransaction { transaction in
            for (subject, pause) in steps {
                try await EventLog.append([milestone(subject)], in: transaction)
                try await transaction.query("select pg_sleep(\(pause))")
            }
        }
    }

    @Test func replicasShareOneInterval() async throws {
        try await withOutbox { pool in
            // given
            try await pool.append(milestonesOf: "a", count: 1)
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var maker = pool.checkpointMaker(interval: .seconds(600))
                        _ = try await maker.settle()
                        try await pool.append(milestonesOf: "a", count: 1)
                        _ = try await maker.settle()
                    }
                }
                try await group.waitForAll()
            }
            // then
            #expect(try await pool.checkpoints().count == 1)
        }
    }

    @Test func whileEventsComeTheCheckpointEndsASlice() async throws {
        try await withOutbox { pool in
            // given: positions 251 … 260, and one more while the checkpoint waits
            try await pool.query("select setval('events_position_seq', 250)")
            try await pool.append(milestonesOf: "a", count: 10)
            var maker = pool.checkpointMaker()
            try await pool.withTransaction { late in
                try await late.appendNow(milestone("b"))
                #expect(try await maker.advance() == .unsettled)
                try await pool.append(milestonesOf: "c", count: 1)
            }
            // when
            #expect(try await maker.settle() == .recorded(position: 255, isPublished: true, hasMore: false))
            // then
            #expect(try await pool.checkpoints().map(\.counts) == [["feedback.milestone.reached.v1": 5]])
            // when: the rest, now that it is quiet
            _ = try await maker.settle()
            // then
            #expect(try await pool.checkpoints().last?.counts == ["feedback.milestone.reached.v1": 12])
        }
    }

    @Test func aLongLogIsSummedUpInParts() async throws {
        try await withOutbox { pool in
            // given
            try await pool.append(milestonesOf: "a", count: 2)
            try await pool.query("select setval('events_position_seq', 100000)")
            try await pool.append(milestonesOf: "a", count: 2)
            var maker = pool.checkpointMaker(interval: .seconds(600))
            // when
            #expect(try await maker.settle() == .recorded(position: 65_535, isPublished: true, hasMore: true))
            // then: the rest does not wait for the interval
            #expect(try await maker.settle() == .recorded(position: 100_002, isPublished: true, hasMore: false))
            let counts = try await pool.checkpoints().map { $0.counts["feedback.milestone.reached.v1"] }
            #expect(counts == [2, 4])
        }
    }

    @Test func moreChangedSubjectsThanAnEventHoldsAreCut() async throws {
        try await withOutbox { pool in
            // given
            let long = (0..<500).map { number in
                let digits = "\(number)"
                return milestone(digits + String(repeating: "\"", count: NewEvent.subjectBytesMax - digits.utf8.count))
            }
            try await pool.withTransaction { try await EventLog.append(long, in: $0) }
            var maker = pool.checkpointMaker()
            // when
            _ = try await maker.settle()
            // then
            let checkpoint = try #require(try await pool.checkpoints().first)
            #expect(checkpoint.changedCount == 500)
            #expect((1..<400).contains(checkpoint.changed.count))
            #expect(checkpoint.changed.first?.subject.hasPrefix("499") == true)
        }
    }

    private func milestone(_ subject: String) -> NewEvent {
        EventBuilders.new(EventBuilders.milestoneReached(), subject: subject)
    }
}

extension PostgresPool {
    fileprivate func checkpointMaker(interval: Duration = .zero) -> CheckpointMaker {
        CheckpointMaker(owner: .feedback, pool: self, interval: interval, now: { EventBuilders.time })
    }

    fileprivate func checkpoints() async throws -> [LogCheckpointed<FeedbackLog>] {
        try await query("select data from events where stream = 'log' order by position").map {
            try WireCoding.decode(
                LogCheckpointed<FeedbackLog>.self, from: try $0.get("data", as: String.self).utf8)
        }
    }
}

extension CheckpointMaker {
    /// Waits for the transactions of other tests on the server, too.
    fileprivate mutating func settle() async throws -> Outcome {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let outcome = try await advance()
            guard outcome == .unsettled else { return outcome }
            guard ContinuousClock.now < deadline else { return outcome }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
