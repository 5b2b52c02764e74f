import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import TestSupport
import Testing

@testable import Feedback

/// What the outsiders' broker gave up on is answered, quarantined and never judged again.
@Suite struct OutsideDeadLettersTests {
    /// An intake with a small delivery limit, as a policy sets it.
    private func with(
        _ body: (RabbitMQConfiguration, _ publisher: String, _ dead: String) async throws -> Void
    )
        async throws
    {
        let publisher = "t-\(UInt64.random(in: .min ... .max))"
        let (queue, dead) = (FeedbackSubmission.queue(of: publisher), "dead.\(publisher)")
        let broker = try TestBroker.configuration()
        try await TestBroker.administer(broker) { administrator in
            try await administrator.declareQueue(dead, arguments: [("x-queue-type", .string("quorum"))])
            try await administrator.declareQueue(
                queue,
                arguments: [
                    ("x-queue-type", .string("quorum")), ("x-delivery-limit", .int(0)),
                    ("x-dead-letter-exchange", .string("")), ("x-dead-letter-routing-key", .string(dead)),
                    ("x-dead-letter-strategy", .string("at-least-once")), ("x-overflow", .string("reject-publish")),
                ])
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(broker, publisher, dead)) } catch { result = .failure(error) }
        try await TestBroker.administer(broker) { administrator in
            try await administrator.deleteQueue(queue)
            try await administrator.deleteQueue(dead)
        }
        try result.get()
    }

    /// Publishes to a queue by its name.
    private func publish(_ bodies: [[UInt8]], to queue: String, _ broker: RabbitMQConfiguration) async throws {
        let publisher = RabbitPublisher(configuration: broker, logger: TestBroker.quietLogger)
        let messages = bodies.map {
            OutgoingMessage(
                exchange: "", routingKey: queue, body: $0, messageID: UUID().uuidString,
                contentType: EventEnvelope.contentType)
        }
        let outcomes = await publisher.publish(messages, deadline: .seconds(30))
        await publisher.close()
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }

    /// A consumer takes everything and dies: the limit of 0 is used up.
    private func kill(_ queue: String, _ dead: String, count: Int, _ broker: RabbitMQConfiguration) async throws {
        let consumer = RabbitConsumer(
            configuration: broker, queue: queue, batchCountMax: count, logger: TestBroker.quietLogger)
        var taken = 0
        while taken < count, let batch = try await consumer.next() { taken += batch.count }
        await consumer.close()
        try await waitUntil("the broker gave up") {
            try await TestBroker.administer(broker) { try await $0.messageCount(queue: dead) } == count
        }
    }

    private func drain(
        _ dead: String, _ broker: RabbitMQConfiguration, _ lab: IntakeLab, until condition: () async throws -> Bool
    ) async throws {
        let letters = OutsideDeadLetters(
            pool: lab.service.pool, intake: lab.intake, wakeUps: [], logger: TestBroker.quietLogger)
        let group = ServiceGroup(services: [letters.drain(of: broker, queue: dead)], logger: TestBroker.quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await waitUntil("drained", condition)) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
        #expect(try await TestBroker.administer(broker) { try await $0.messageCount(queue: dead) } == 0)
    }

    @Test(.timeLimit(.minutes(10)))
    func eachIsQuarantinedAndItsPublisherIsTold() async throws {
        try await IntakeLab.with { lab in
            try await with { broker, publisher, dead in
                // given: one that nothing is wrong with, one that was accepted after all, one that cannot be read
                let (fine, accepted) = (lab.event("fine"), lab.event("accepted", participant: 1))
                _ = try await lab.intake.settle([lab.message(accepted.body, publisher: publisher)])
                let queue = FeedbackSubmission.queue(of: publisher)
                try await publish([fine.body, accepted.body, Array("broken".utf8)], to: queue, broker)
                try await kill(queue, dead, count: 3, broker)
                // when
                try await drain(dead, broker, lab) { try await lab.receipts().count == 4 }
                // then
                let refused = try await lab.receipt(of: "fine")
                #expect(refused.outcome == .refused && refused.reason == "internal-error" && refused.mend != nil)
                #expect(try await lab.receipt(of: "accepted").outcome == .duplicate)
                #expect(try await lab.receipt(of: "").reason == "malformed-body")
                #expect(try await lab.count("quarantine") == 2)
                #expect(try await lab.count("responses") == 1)
                #expect(try await lab.count("dead_letters") == 0)
                let kept = try await lab.service.pool.query(
                    "select publisher, body from quarantine where event_id = 'fine'")
                #expect(try kept[0].get("publisher", as: String.self) == publisher)
                #expect(try kept[0].get("body", as: [UInt8].self) == fine.body)
            }
        }
    }

    /// Without its queue nobody knows whose it is, whatever it says.
    @Test(.timeLimit(.minutes(10)))
    func oneThatCameThroughNoPublishersQueueLiesAmongTheDeadLetters() async throws {
        try await IntakeLab.with { lab in
            try await with { broker, _, dead in
                // given
                let body = lab.event("stray").body
                try await publish([body], to: dead, broker)
                // when
                try await drain(dead, broker, lab) { try await lab.count("dead_letters") == 1 }
                // then
                let row = try await lab.service.pool.query("select class, body, event_id from dead_letters")[0]
                #expect(try row.get("class", as: String.self) == "outside")
                #expect(try row.get("body", as: [UInt8].self) == body)
                #expect(try await lab.receipts().isEmpty)
            }
        }
    }
}
