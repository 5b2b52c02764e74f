import Events
import Foundation
import Inbox
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import TestSupport
import Testing

/// With a real queue.
@Suite struct InboxConsumerTests {
    private func makeConsumer(
        _ broker: RabbitMQConfiguration, _ queue: String, _ pool: PostgresPool, _ handlers: [EventHandler],
        workers: Int = 2, batch: Int = 50, settings: InboxSettings = impatientSettings
    ) -> InboxConsumer {
        let consumer = RabbitConsumer(
            configuration: broker, queue: queue, batchCountMax: batch, batchesInFlight: workers + 1,
            logger: TestBroker.quietLogger)
        return InboxConsumer(
            listener: .reporting, pool: pool, consumer: consumer, handlers: handlers, workers: workers,
            settings: settings, logger: TestBroker.quietLogger)
    }

    private func run(_ services: [any Service], while body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: services, logger: TestBroker.quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }

    private func publish(_ messages: [OutgoingMessage], _ broker: RabbitMQConfiguration) async throws {
        let publisher = RabbitPublisher(configuration: broker, logger: TestBroker.quietLogger)
        let outcomes = await publisher.publish(messages, deadline: .seconds(20))
        await publisher.close()
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }

    private func declare(_ queue: String, _ broker: RabbitMQConfiguration) async throws {
        try await TestBroker.administer(broker) {
            try await $0.declareQueue(queue, arguments: [("x-queue-type", .string("quorum"))])
        }
    }

    private func waitingCount(_ queue: String, _ broker: RabbitMQConfiguration) async throws -> Int {
        try await TestBroker.administer(broker) { try await $0.messageCount(queue: queue) }
    }

    @Test(.timeLimit(.minutes(5)))
    func competingReplicasApplyEverySubjectInOrderAndEverythingIsAcknowledged() async throws {
        try await withInbox { pool in
            try await withBroker { broker, name in
                // given
                let queue = name("inbox")
                try await declare(queue, broker)
                var random = SeededGenerator(seed: 7)
                let messages = try (0..<10).flatMap { subject in
                    try (1...100).map { sequence in
                        try EventBuilders.message(
                            EventBuilders.milestoneReached(), subject: "s\(subject)", sequence: sequence, queue: queue)
                    }
                }.shuffled(using: &random)
                try await publish(messages + messages[..<50], broker)
                let replicas = (0..<2).map { _ in makeConsumer(broker, queue, pool, [noteMilestones()]) }
                // when
                try await run(replicas) {
                    try await waitUntil("all took effect", within: .seconds(60)) {
                        try await pool.effectCount() >= 1000
                    }
                }
                // then
                for subject in 0..<10 { #expect(try await pool.effects(of: "s\(subject)") == Array(1...100)) }
                #expect(try await waitingCount(queue, broker) == 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func aShutdownInMidQueueLosesNothingAndDoublesNothing() async throws {
        try await withInbox { pool in
            try await withBroker { broker, name in
                // given
                let queue = name("inbox")
                try await declare(queue, broker)
                let messages = try (1...600).map { sequence in
                    try EventBuilders.message(
                        EventBuilders.milestoneReached(), subject: "a", sequence: sequence, queue: queue)
                }
                try await publish(messages, broker)
                // when: several processes come and go
                for target in [1, 150, 300, 600] {
                    let consumer = makeConsumer(broker, queue, pool, [noteMilestones()], batch: 20)
                    try await run([consumer]) {
                        try await waitUntil("some took effect", within: .seconds(60)) {
                            try await pool.effectCount() >= target
                        }
                    }
                }
                // then
                #expect(try await pool.effects() == Array(1...600))
                #expect(try await waitingCount(queue, broker) == 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func aBatchThatFailsComesBackFromTheQueue() async throws {
        try await withInbox { pool in
            try await withBroker { broker, name in
                // given
                let queue = name("inbox")
                try await declare(queue, broker)
                let isDown = Shared(true)
                let handler = EventHandler.on(MilestoneReached.self) { _, event, transaction in
                    if isDown.value {
                        try await transaction.executeScript(
                            "do $$ begin raise exception using errcode = '53300'; end $$")
                    }
                    try await note(event, transaction)
                    return .applied
                }
                let messages = try (1...5).map { sequence in
                    try EventBuilders.message(
                        EventBuilders.milestoneReached(), subject: "a", sequence: sequence, queue: queue)
                }
                try await publish(messages, broker)
                // when
                try await run([makeConsumer(broker, queue, pool, [handler], workers: 1)]) {
                    try await Task.sleep(for: .milliseconds(800))
                    isDown.change { $0 = false }
                    try await waitUntil("all took effect") { try await pool.effectCount() == 5 }
                }
                // then
                #expect(try await pool.effects() == [1, 2, 3, 4, 5])
                #expect(try await pool.deadLetters().isEmpty)
                #expect(try await waitingCount(queue, broker) == 0)
            }
        }
    }
}
