import Events
import Foundation
import Inbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import TestSupport
import Testing

/// What the broker gave up on reaches the one table.
@Suite struct DeadLetterDrainTests {
    /// A queue with a small delivery limit and the queue of its dead letters, set up as the platform's policies do.
    private func declare(_ inbox: String, _ dead: String, _ broker: RabbitMQConfiguration) async throws {
        try await TestBroker.administer(broker) { administrator in
            try await administrator.declareQueue(dead, arguments: [("x-queue-type", .string("quorum"))])
            try await administrator.declareQueue(
                inbox,
                arguments: [
                    ("x-queue-type", .string("quorum")), ("x-delivery-limit", .int(2)),
                    ("x-dead-letter-exchange", .string("")), ("x-dead-letter-routing-key", .string(dead)),
                    ("x-dead-letter-strategy", .string("at-least-once")), ("x-overflow", .string("reject-publish")),
                ])
        }
    }

    private func publish(_ messages: [OutgoingMessage], _ broker: RabbitMQConfiguration) async throws {
        let publisher = RabbitPublisher(configuration: broker, logger: TestBroker.quietLogger)
        let outcomes = await publisher.publish(messages, deadline: .seconds(20))
        await publisher.close()
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }

    /// A consumer that takes the message and dies, as a process does that the message crashes, until no more comes.
    private func die(of queue: String, dead: String, _ broker: RabbitMQConfiguration) async throws -> Int {
        var deaths = 0
        while try await count(dead, broker) == 0 {
            let consumer = RabbitConsumer(configuration: broker, queue: queue, logger: TestBroker.quietLogger)
            let batch = try await withThrowingTaskGroup(of: DeliveryBatch?.self) { group in
                group.addTask { try await consumer.next() }
                group.addTask {
                    try await waitUntil("the broker gave up") { try await count(dead, broker) > 0 }
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            if batch != nil { deaths += 1 }
            await consumer.close()
        }
        return deaths
    }

    private func count(_ queue: String, _ broker: RabbitMQConfiguration) async throws -> Int {
        try await TestBroker.administer(broker) { try await $0.messageCount(queue: queue) }
    }

    private func drain(
        _ dead: String, _ broker: RabbitMQConfiguration, _ inbox: InboxProcessor, while body: () async throws -> Void
    ) async throws {
        let drain = DeadLetterDrain(
            queue: dead, consumer: DeadLetterDrain.consumer(broker, dead, TestBroker.quietLogger),
            logger: TestBroker.quietLogger
        ) { try await inbox.keep($0) }
        let group = ServiceGroup(services: [drain], logger: TestBroker.quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aMessageThatKillsItsConsumerLandsInTheTableWithItsBytesAndItsCause() async throws {
        try await withInbox { pool in
            try await withBroker { broker, name in
                // given
                let (queue, dead) = (name("inbox"), name("dead"))
                try await declare(queue, dead, broker)
                let message = try EventBuilders.message(
                    EventBuilders.milestoneReached(), subject: "a", sequence: 2, queue: queue)
                try await publish([message], broker)
                // when: a limit of 2 is three deliveries
                #expect(try await die(of: queue, dead: dead, broker) == 3)
                let inbox = makeInbox(pool, [noteMilestones()])
                try await drain(dead, broker, inbox) {
                    try await waitUntil("it is kept") { try await !pool.letterIDs().isEmpty }
                }
                // then
                let letter = try #require(try await pool.deadLetters().first)
                #expect(letter.failureClass == "delivery-limit" && letter.body == message.body && letter.sequence == 2)
                #expect(letter.reason == "delivery_limit in \(queue)")
                let row = try await pool.query(
                    """
                    select exchange, routing_key, type, headers ->> 'x-death-queue' as queue,
                        headers ->> 'x-death-count' as count, headers ->> 'ce-id' as id from dead_letters
                    """)[0]
                #expect(try row.get("exchange", as: String.self) == "")
                #expect(try row.get("routing_key", as: String.self) == queue)
                #expect(try row.get("type", as: String.self) == "feedback.milestone.reached.v1")
                #expect(try row.get("queue", as: String.self) == queue)
                #expect(try row.get("count", as: String.self) == "1")
                #expect(try row.get("id", as: String.self) == message.messageID)
                #expect(try await count(dead, broker) == 0)
                // and what follows waits, and the same again is a duplicate
                try await inbox.process(milestones([1, 3]))
                #expect(try await pool.parked() == ["3 dead-predecessor"])
                try await inbox.process([message])
                #expect(try await pool.effects() == [1])
            }
        }
    }

    @Test func eachMessageIsKeptOnceHoweverOftenItIsDelivered() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            let batch = DeadLetterBuilders.batch(try milestones([1]) + milestones([1], of: "b"))
            // when
            async let one: Void = inbox.keep(batch)
            async let two: Void = inbox.keep(batch)
            _ = try await (one, two)
            try await inbox.keep(batch)
            // then
            #expect(try await pool.deadLetters().count == 2)
        }
    }

    @Test func whatWasAppliedMeanwhileIsOnlyCounted() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            let messages = try milestones([1, 3])
            try await inbox.process(messages)
            // when
            try await inbox.keep(DeadLetterBuilders.batch(messages))
            try await inbox.process(milestones([2]))
            // then
            #expect(try await pool.deadLetters().isEmpty)
            #expect(try await pool.effects() == [1, 2, 3])
        }
    }

    @Test(arguments: [("expired", "expired"), ("rejected", "rejected"), ("something new", "dead-lettered")])
    func otherCausesHaveTheirOwnClass(reason: String, name: String) async throws {
        try await withInbox { pool in
            // when
            try await makeInbox(pool, [noteMilestones()])
                .keep(DeadLetterBuilders.batch(milestones([1]), reason: reason))
            // then
            #expect(try await pool.deadLetters().map(\.failureClass) == [name])
        }
    }

    @Test func whatIsNoEventIsKeptWithBothCauses() async throws {
        try await withInbox { pool in
            // given
            var message = try milestones([1])[0]
            message.body = Array("not JSON".utf8)
            // when
            try await makeInbox(pool, [noteMilestones()]).keep(DeadLetterBuilders.batch([message]))
            // then
            let letter = try #require(try await pool.deadLetters().first)
            #expect(letter.failureClass == "delivery-limit" && letter.body == message.body)
            #expect(letter.reason.hasPrefix("delivery_limit in maillage.reporting.inbox; body: "))
        }
    }

    /// An outsider who copies an event of ours must not make it a duplicate.
    @Test func aStrangerDoesNotStandForTheEventThatItImitates() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [noteMilestones()])
            let message = try milestones([1])[0]
            // when
            try await inbox.keepStrange(DeadLetterBuilders.batch([message]))
            try await inbox.process([message])
            // then
            #expect(try await pool.effects() == [1])
            let letter = try #require(try await pool.letterIDs().first)
            let desk = DeadLetterDesk(pool: pool, handlers: [noteMilestones()], logger: TestBroker.quietLogger)
            let people = try FourEyes(by: "Anne", second: "Marc", reason: "testing")
            #expect(try await desk.settle(.retry, letter, by: people).outcome == .refused)
            #expect(try await desk.settle(.drop, letter, by: people).outcome == .dropped)
        }
    }
}
