import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// The whole way: concurrent writers, the relay, a real broker, a queue.
@Suite struct RelayBrokerTests {
    /// Publishes to an exchange of the test in the place of the owner's.
    private struct Redirected: MessagePublisher {
        let publisher: RabbitPublisher
        let exchange: String
        var isBlocked: Bool { get async { await publisher.isBlocked } }

        func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
            let redirected = messages.map { message in
                var message = message
                message.exchange = exchange
                return message
            }
            return await publisher.publish(redirected, deadline: deadline)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func nothingIsLostOrOutOfOrderWithFourWritersAndARelay() async throws {
        try await withOutbox { pool in
            try await withBroker { broker, name in
                // given
                let (exchange, queue) = (name("exchange"), name("queue"))
                try await TestBroker.administer(broker) { administrator in
                    try await administrator.declareExchange(exchange, type: .topic)
                    try await administrator.declareQueue(queue, arguments: [("x-queue-type", .string("quorum"))])
                    try await administrator.bind(queue: queue, exchange: exchange, routingKey: "feedback.milestone.#")
                }
                let publisher = RabbitPublisher(configuration: broker, logger: TestBroker.quietLogger)
                // when
                try await withRelay(pool, Redirected(publisher: publisher, exchange: exchange)) { _ in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for writer in 0..<4 { group.addTask { try await write(500, pool, seed: UInt64(writer)) } }
                        try await group.waitForAll()
                    }
                    try await pool.waitUntilPublished()
                }
                await publisher.close()
                // then
                var received: [String: [Int64]] = [:]
                try await take(2_000, from: queue, broker) { envelope in
                    received[envelope.subject, default: []].append(envelope.sequence)
                }
                for (subject, sequences) in received {
                    #expect(sequences == (1...Int64(sequences.count)).map { $0 }, "subject \(subject)")
                }
                #expect(received.values.map(\.count).reduce(0, +) == 2_000)
                #expect(try await pool.count("events") == 2_000)
            }
        }
    }

    /// One or two events per transaction, over ten subjects that all writers share.
    private func write(_ count: Int, _ pool: PostgresPool, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var left = count
        while left > 0 {
            let size = min(left, Int.random(in: 1...2, using: &random))
            let events = (0..<size).map { _ in
                EventBuilders.new(
                    EventBuilders.milestoneReached(), subject: "s\(Int.random(in: 0..<10, using: &random))")
            }
            let isSlow = Int.random(in: 0..<10, using: &random) == 0
            try await pool.withTransaction { transaction in
                try await EventLog.append(events, in: transaction)
                // Commits that overtake each other are what a cursor loses rows by.
                if isSlow { try await transaction.query("select pg_sleep(0.005)") }
            }
            left -= size
        }
    }

    private func take(
        _ count: Int, from queue: String, _ broker: RabbitMQConfiguration, _ each: (EventEnvelope) -> Void
    ) async throws {
        let consumer = RabbitConsumer(configuration: broker, queue: queue, logger: TestBroker.quietLogger)
        var taken = 0
        while taken < count, let batch = try await consumer.next() {
            for index in 0..<batch.count { each(try EventEnvelope(decoding: Array(batch.body(index)))) }
            taken += batch.count
            await consumer.acknowledge(batch)
        }
        await consumer.close()
    }
}
