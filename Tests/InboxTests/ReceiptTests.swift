import Events
import Foundation
import Inbox
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// Each event takes effect once, however often it comes.
@Suite struct ReceiptTests {
    @Test func theSameEventTwiceInOneBatchTakesEffectOnce() async throws {
        try await withInbox { pool in
            // given
            let message = try milestones([1])
            // when
            try await makeInbox(pool, [noteMilestones(.commutative)]).process(message + message)
            // then
            #expect(try await pool.effects() == [1])
            #expect(try await pool.receiptCount() == 1)
        }
    }

    @Test(arguments: [HandlerOrder.inSequence, .commutative])
    func aRedeliveredBatchChangesNothing(order: HandlerOrder) async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones(order)])
            let messages = try milestones(1...20)
            // when
            try await inbox.process(messages)
            try await inbox.process(messages, deliveryCount: 1)
            try await inbox.process(Array(messages.reversed()) + milestones([21]), deliveryCount: 1)
            // then
            #expect(try await pool.effects() == Array(1...21))
        }
    }

    @Test func theSameEventsInTwoConcurrentBatchesTakeEffectOnce() async throws {
        try await withInbox { pool in
            let inbox = makeInbox(pool, [noteMilestones(.commutative)])
            for round in 0..<20 {
                // given
                let messages = try milestones(1...30, of: "s\(round)")
                // when
                async let first: Void = inbox.process(messages)
                async let second: Void = inbox.process(Array(messages.reversed()))
                _ = try await (first, second)
                // then
                #expect(Set(try await pool.effects(of: "s\(round)")).count == 30)
                #expect(try await pool.effects(of: "s\(round)").count == 30)
            }
        }
    }

    @Test func aBatchHandlerGetsAllItsEventsAtOnceAndOthersOneByOne() async throws {
        try await withInbox { pool in
            // given
            let batches = Shared<[[Int64]]>([])
            let together = EventHandler.batch(ResponseAmended.self) { events, transaction in
                batches.change { $0.append(events.map(\.event.sequence)) }
                for (_, event) in events { try await note(event, transaction) }
            }
            let responses = try (1...5).map {
                try EventBuilders.message(EventBuilders.responseAmended(), subject: "r", sequence: $0)
            }
            // when
            try await makeInbox(pool, [together, noteMilestones(.commutative)])
                .process(responses[..<3] + milestones(1...2) + responses[3...])
            // then
            #expect(batches.value == [[1, 2, 3, 4, 5]])
            #expect(try await pool.effects() == [1, 2])
        }
    }

    @Test func whatAHandlerAppendsCommitsWithItsEffectAndNamesItsCause() async throws {
        try await withInbox { pool in
            // given
            let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let handler = EventHandler.on(MilestoneReached.self) { payload, event, transaction in
                let reaction = EventBuilders.new(payload, subject: "reaction", cause: event.cause)
                try await EventLog.append([reaction], in: transaction)
                return .applied
            }
            let id = UUID()
            let message = try EventBuilders.message(
                EventBuilders.milestoneReached(), subject: "a", id: id, traceparent: traceparent)
            // when
            try await makeInbox(pool, [handler]).process([message, message])
            // then
            let rows = try await pool.query("select correlation, causation, traceparent from events")
            #expect(rows.count == 1)
            #expect(try rows[0].get("correlation", as: String.self) == "test-correlation")
            #expect(try rows[0].get("causation", as: String.self) == id.uuidString.lowercased())
            let trace: String = try rows[0].get("traceparent")
            #expect(trace.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") && trace != traceparent)
        }
    }

    @Test func aRelayThatPublishesTwiceHasOneEffect() async throws {
        try await withInbox { pool in
            // given: what a relay sends that dies between confirm and delete
            let messages = try milestones(1...3)
            let inbox = makeInbox(pool, [noteMilestones()])
            // when
            try await inbox.process(messages + messages)
            try await inbox.process(messages)
            // then
            #expect(try await pool.effects() == [1, 2, 3])
        }
    }
}
