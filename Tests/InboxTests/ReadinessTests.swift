import Events
import Foundation
import Inbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@Suite struct ReadinessTests {
    /// Milestones become ready when the flag is set.
    private func handler(_ isReady: Shared<Bool>, _ order: HandlerOrder) -> EventHandler {
        .on(MilestoneReached.self, order: order) { _, event, transaction in
            guard isReady.value else { return .notReady(reason: "the grant is not known") }
            try await note(event, transaction)
            return .applied
        }
    }

    @Test(arguments: [HandlerOrder.inSequence, .commutative])
    func whatIsNotReadyIsAppliedByTheSweepOnceItIs(order: HandlerOrder) async throws {
        try await withInbox { pool in
            // given
            let isReady = Shared(false)
            let inbox = makeInbox(pool, [handler(isReady, order)])
            try await inbox.process(milestones([1]))
            #expect(try await pool.parked() == ["1 readiness"])
            // when
            isReady.change { $0 = true }
            try await pool.makeParkedDue(in: 3_600)
            #expect(try await inbox.sweep() == 0, "its time has not come")
            try await pool.makeParkedDue()
            #expect(try await inbox.sweep() == 1)
            // then
            #expect(try await pool.effects() == [1])
            #expect(try await pool.parked().isEmpty)
        }
    }

    @Test func successorsOfWhatIsNotReadyWaitBehindItAndFollow() async throws {
        try await withInbox { pool in
            // given
            let isReady = Shared(false)
            let inbox = makeInbox(pool, [handler(isReady, .inSequence)])
            try await inbox.process(milestones([1, 2]))
            try await inbox.process(milestones([3]))
            #expect(try await pool.parked() == ["1 readiness", "2 predecessor", "3 predecessor"])
            // when
            isReady.change { $0 = true }
            try await ParkedEvents.retryNow(owner: .feedback, stream: "milestone", in: pool)
            try await inbox.sweep()
            // then
            #expect(try await pool.effects() == [1, 2, 3])
            #expect(try await pool.parked().isEmpty)
        }
    }

    @Test func theDelayGrowsWithEachAttemptUpToFiveMinutes() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [handler(Shared(false), .inSequence)])
            let started = try await pool.clock()
            try await inbox.process(milestones([1]))
            try await pool.expectParked(for: 1...1, since: started)
            for delayMax in [2.0, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
                // when
                try await pool.makeParkedDue()
                let before = try await pool.clock()
                #expect(try await inbox.sweep() == 1)
                // then
                try await pool.expectParked(for: delayMax * 0.75...delayMax, since: before)
            }
        }
    }

    @Test func whatTwoSweepsFindIsAppliedOnce() async throws {
        try await withInbox { pool in
            // given
            let isReady = Shared(false)
            let inbox = makeInbox(pool, [handler(isReady, .commutative)])
            try await inbox.process((1...40).flatMap { try milestones([1], of: "s\($0)") })
            isReady.change { $0 = true }
            try await pool.makeParkedDue()
            // when
            async let first = inbox.sweep()
            async let second = inbox.sweep()
            let count = try await first + second
            // then
            #expect(count == 40)
            #expect(try await pool.effectCount() == 40)
        }
    }

    @Test func theSweepIsTheNetForAWakeUpThatWasLost() async throws {
        try await withInbox { pool in
            // given: the state that a lost wake-up would leave
            let inbox = makeInbox(pool, [noteMilestones()])
            try await inbox.process(milestones([2, 3]))
            try await pool.query("update inbox_order set last_sequence = 1")
            // when
            try await pool.makeParkedDue()
            try await inbox.sweep()
            // then
            #expect(try await pool.effects() == [2, 3])
        }
    }

    @Test func whatFailsForGoodInTheSweepIsBuried() async throws {
        try await withInbox { pool in
            // given
            let isReady = Shared(false)
            let handler = EventHandler.on(MilestoneReached.self) { payload, event, transaction in
                guard isReady.value else { return .notReady(reason: "not yet") }
                guard payload.milestone != "m1" else { throw PermanentFailure(class: "test", reason: "never") }
                try await note(event, transaction)
                return .applied
            }
            let inbox = makeInbox(pool, [handler])
            let messages = try milestones([1, 2])
            try await inbox.process(messages)
            // when
            isReady.change { $0 = true }
            try await pool.makeParkedDue()
            try await inbox.sweep()
            // then
            let letters = try await pool.deadLetters()
            #expect(letters.map(\.failureClass) == ["test"] && letters.first?.body == messages[0].body)
            #expect(try await pool.effects().isEmpty)
            #expect(try await pool.parked() == ["2 predecessor"])
        }
    }
}

extension PostgresPool {
    fileprivate func clock() async throws -> Date {
        try await query("select clock_timestamp() as at")[0].get("at")
    }

    /// The one parked event waits for so many seconds, from an instant between `before` and now: however slow the
    /// machine is.
    fileprivate func expectParked(
        for seconds: ClosedRange<Double>, since before: Date, location: SourceLocation = #_sourceLocation
    ) async throws {
        let row = try await query("select next_attempt_at, clock_timestamp() as after, reason from inbox_parked")[0]
        let next: Date = try row.get("next_attempt_at")
        let reason: String = try row.get("reason")
        #expect(reason == "the grant is not known", sourceLocation: location)
        #expect(next.timeIntervalSince(before) > seconds.lowerBound - 0.001, sourceLocation: location)
        #expect(next.timeIntervalSince(try row.get("after")) < seconds.upperBound + 0.001, sourceLocation: location)
    }
}
