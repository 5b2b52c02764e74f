import RabbitMQ
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct PoisonousMessageTests {
    private static let limit = 20

    /// What became of the messages, whichever consumer had them.
    private final class Record: Sendable {
        struct State {
            var handled: [Int] = []
            var deaths = 0
            /// How often a message other than the poison had been delivered before, at most.
            var neighbourCountMax = 0
        }
        let state = Mutex(State())
        var current: State { state.withLock { $0 } }

        /// Whether the poison is dead and every other message handled.
        func isComplete(_ count: Int) -> Bool {
            state.withLock { $0.deaths > PoisonousMessageTests.limit && $0.handled.count == count - 1 }
        }

        func note(_ batch: DeliveryBatch, poison: Int) -> Bool {
            state.withLock { state in
                for (number, delivery) in zip(batch.numbers, batch.deliveries) where number != poison {
                    state.neighbourCountMax = max(state.neighbourCountMax, delivery.deliveryCount)
                }
                guard !batch.numbers.contains(poison) else {
                    state.deaths += 1
                    return false
                }
                state.handled += batch.numbers
                return true
            }
        }
    }

    /// Consumes until all is handled; dies of the poison, as a process would: its connection is gone, and what was out
    /// is not acknowledged.
    private func live(
        _ configuration: RabbitMQConfiguration, _ queue: String, poison: Int, count: Int, _ record: Record
    ) async throws {
        try await withConsumer(configuration, queue) { consumer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let batch = try await consumer.next(), record.note(batch, poison: poison) {
                        await consumer.acknowledge(batch)
                    }
                }
                group.addTask {
                    // Another consumer may have been the last to die.
                    try await waitUntil("all is handled", within: .seconds(300)) { record.isComplete(count) }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private func declare(_ configuration: RabbitMQConfiguration, _ name: BrokerNames) async throws -> (String, String) {
        let (queue, dead) = (name("orders"), name("dead"))
        try await configuration.declareQueue(dead)
        try await configuration.declareQueue(
            queue,
            [
                ("x-delivery-limit", .int(Int64(Self.limit))), ("x-dead-letter-exchange", .string("")),
                ("x-dead-letter-routing-key", .string(dead)),
            ])
        return (queue, dead)
    }

    @Test(arguments: [0, 137, 499])
    func aMessageThatKillsItsConsumerDiesAlone(poison: Int) async throws {
        try await withBroker { configuration, name in
            // given
            let (queue, dead) = try await declare(configuration, name)
            let outcomes = try await withPublisher(configuration) { publisher in
                await publisher.publish(messages(0..<500, to: queue), deadline: .seconds(30))
            }
            #expect(outcomes.allSatisfy { $0 == .confirmed })

            // when
            let record = Record()
            while !record.isComplete(500) {
                try await live(configuration, queue, poison: poison, count: 500, record)
            }

            // then
            #expect(record.current.deaths == Self.limit + 1)
            #expect(record.current.neighbourCountMax <= 16)
            #expect(record.current.handled.sorted() == (0..<500).filter { $0 != poison }, "each once")
            try await waitUntil("the poison is dead") { try await configuration.messageCount(dead) == 1 }
            #expect(try await withConsumer(configuration, dead) { try await $0.take(1) } == [poison])
            #expect(try await configuration.messageCount(queue) == 0)
        }
    }

    @Test func itDiesAloneAlsoWhenTwoReplicasDieOfItInTurn() async throws {
        try await withBroker { configuration, name in
            // given
            let (queue, dead) = try await declare(configuration, name)
            _ = try await withPublisher(configuration) { publisher in
                await publisher.publish(messages(0..<3_000, to: queue), deadline: .seconds(30))
            }

            // when
            let record = Record()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        while !record.isComplete(3_000) {
                            try await live(configuration, queue, poison: 700, count: 3_000, record)
                        }
                    }
                }
                try await group.waitForAll()
            }

            // then
            #expect(record.current.deaths == Self.limit + 1)
            #expect(record.current.neighbourCountMax <= 16)
            #expect(record.current.handled.sorted() == (0..<3_000).filter { $0 != 700 })
            try await waitUntil("the poison is dead") { try await configuration.messageCount(dead) == 1 }
            #expect(try await withConsumer(configuration, dead) { try await $0.take(1) } == [700])
        }
    }

    @Test func whatComesAgainAmongFreshMessagesIsHandedOutStepByStep() async throws {
        try await withBroker { configuration, name in
            // given
            let (queue, _) = try await declare(configuration, name)
            try await withPublisher(configuration) { publisher in
                func publish(_ numbers: Range<Int>) async {
                    _ = await publisher.publish(messages(numbers, to: queue), deadline: .seconds(30))
                }
                // As many as it may have: the hundred and first is the other's.
                try await withConsumer(configuration, queue, batch: 100, inFlight: 1) { dying in
                    try await withConsumer(configuration, queue, batch: 64) { living in
                        // Both are past their first message and take what comes.
                        async let first = dying.next()
                        await publish(0..<1)
                        _ = try await first
                        await publish(1..<101)
                        _ = try await dying.batches(holding: 100)
                        async let again = living.take(1)
                        await publish(101..<102)
                        _ = try await again

                        // when
                        await dying.close()
                        var sizes: [Int] = []
                        while sizes.reduce(0, +) < 101, let batch = try await living.next() {
                            sizes.append(batch.deliveries.count { $0.deliveryCount > 0 })
                            await living.acknowledge(batch)
                        }

                        // then
                        #expect(sizes.first == 1)
                        for index in sizes.indices {
                            #expect(sizes[index] <= 1 + sizes[..<index].reduce(0, +), "\(sizes)")
                        }
                        await publish(0..<500)
                        #expect(try await living.take(500) == Array(0..<500), "it goes on in full")
                    }
                }
            }
        }
    }
}
