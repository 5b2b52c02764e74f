import Events
import Foundation
import Inbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@Suite struct OrderTests {
    @Test(.timeLimit(.minutes(5)))
    func everyPermutationInCompetingTransactionsEndsInTheSameState() async throws {
        try await withInbox { pool in
            let inbox = makeInbox(pool, [noteMilestones()])
            for seed in UInt64(0)..<40 {
                // given
                var random = SeededGenerator(seed: seed)
                var rest = try (milestones(1...12, of: "a\(seed)") + milestones(1...8, of: "b\(seed)"))
                    .shuffled(using: &random)[...]
                var batches: [[[OutgoingMessage]]] = [[], []]
                while !rest.isEmpty {
                    let size = Int.random(in: 1...4, using: &random)
                    batches[Int.random(in: 0...1, using: &random)].append(Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                }
                // when: two transactions are open at once
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for mine in batches {
                        group.addTask { for batch in mine { try await inbox.process(batch) } }
                    }
                    try await group.waitForAll()
                }
                // then
                #expect(try await pool.effects(of: "a\(seed)") == Array(1...12), "seed \(seed)")
                #expect(try await pool.effects(of: "b\(seed)") == Array(1...8), "seed \(seed)")
            }
            #expect(try await pool.query("select from inbox_parked").isEmpty)
        }
    }

    /// One transaction parks an event while another applies its predecessor: without the subject's lock neither sees
    /// the other.
    @Test(.timeLimit(.minutes(5)))
    func noWakeUpIsLostBetweenParkingAndApplyingThePredecessor() async throws {
        try await withInbox { pool in
            // given: a handler that gives the other transaction time to come between
            let slow = EventHandler.on(MilestoneReached.self) { _, event, transaction in
                try await note(event, transaction)
                try await transaction.query("select pg_sleep(0.002)")
                return .applied
            }
            let inbox = makeInbox(pool, [slow])
            // The row exists before the race: inserting a new one would make the second transaction wait even without
            // the lock.
            try await inbox.process((0..<200).flatMap { try milestones([1], of: "s\($0)") })
            for round in 0..<200 {
                let (second, third) = (try milestones([2], of: "s\(round)"), try milestones([3], of: "s\(round)"))
                // when
                async let one: Void = inbox.process(third)
                async let two: Void = inbox.process(second)
                _ = try await (one, two)
            }
            // then
            let lost = try await pool.query("select from inbox_parked")
            #expect(lost.isEmpty, "\(lost.count) events are parked behind a predecessor that was applied")
            #expect(try await pool.effectCount() == 600)
        }
    }

    @Test func anEventThatComesEarlyIsParkedAndAppliedBehindItsPredecessor() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            try await inbox.process(milestones([1, 3, 5, 6]))
            #expect(try await pool.effects() == [1])
            #expect(try await pool.parked() == ["3 predecessor", "5 predecessor", "6 predecessor"])
            // when
            try await inbox.process(milestones([2]))
            #expect(try await pool.effects() == [1, 2, 3])
            try await inbox.process(milestones([4, 7]))
            // then
            #expect(try await pool.effects() == Array(1...7))
            #expect(try await pool.parked().isEmpty)
        }
    }

    @Test func moreThanOneFetchOfParkedEventsIsDrained() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            try await inbox.process(milestones(2...180))
            // when
            try await inbox.process(milestones([1]))
            // then
            #expect(try await pool.effects() == Array(1...180))
        }
    }

    @Test func aTypeWithoutAHandlerCountsInTheSequenceOfItsNoun() async throws {
        try await withInbox { pool in
            // given
            let decided = EventHandler.on(ApplicationDecided.self) { _, event, transaction in
                try await note(event, transaction)
                return .applied
            }
            let submitted = EventBuilders.applicationSubmitted()
            let inbox = makeInbox(pool, [decided])
            // when
            try await inbox.process([
                EventBuilders.message(EventBuilders.applicationDecided(), subject: "a", sequence: 2),
                EventBuilders.message(submitted, subject: "a", sequence: 3),
            ])
            #expect(try await pool.effects().isEmpty)
            try await inbox.process([EventBuilders.message(submitted, subject: "a", sequence: 1)])
            // then
            #expect(try await pool.effects() == [2])
            let place = try await pool.query("select last_sequence from inbox_order where subject = 'a'")
            #expect(try place[0].get("last_sequence", as: Int.self) == 3)
        }
    }

    @Test func anotherEventWithAPastSequenceIsDroppedAsADuplicate() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            try await inbox.process(milestones([1, 2]))
            // when
            try await inbox.process(milestones([2]) + milestones([3]))
            // then
            #expect(try await pool.effects() == [1, 2, 3])
        }
    }

    @Test func ofTwoParkedEventsWithOneSequenceOneIsAppliedAndTheSweepRemovesTheOther() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            try await inbox.process(milestones([2]) + milestones([2]))
            try await inbox.process(milestones([1]))
            #expect(try await pool.effects() == [1, 2])
            // when
            try await pool.makeParkedDue()
            try await inbox.sweep()
            // then
            #expect(try await pool.effects() == [1, 2])
            #expect(try await pool.parked().isEmpty)
        }
    }

    @Test func aCommutativeHandlerDoesNotWait() async throws {
        try await withInbox { pool in
            // when
            try await makeInbox(pool, [noteMilestones(.commutative)]).process(milestones([5, 2]))
            // then
            #expect(try await pool.effects() == [5, 2])
        }
    }
}
