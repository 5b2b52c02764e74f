import RabbitMQ
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct RabbitConsumerTests {
    private func fill(_ configuration: RabbitMQConfiguration, _ queue: String, _ count: Int) async throws {
        try await configuration.declareQueue(queue)
        let outcomes = try await withPublisher(configuration) { publisher in
            await publisher.publish(messages(0..<count, to: queue), deadline: .seconds(30))
        }
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }

    @Test func aFullQueueComesInFullBatchesAndIsEmptyAfterwards() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 100)

            // when
            let batches = try await withConsumer(configuration, queue, batch: 20) { consumer in
                var batches: [DeliveryBatch] = []
                while batches.reduce(0, { $0 + $1.count }) < 100, let batch = try await consumer.next() {
                    batches.append(batch)
                    await consumer.acknowledge(batch)
                }
                await consumer.drain()
                return batches
            }

            // then
            #expect(batches.flatMap(\.numbers) == Array(0..<100))
            #expect(batches.allSatisfy { $0.count <= 20 })
            #expect(try await configuration.messageCount(queue) == 0)
        }
    }

    @Test func aSingleMessageDoesNotWaitForAFullBatch() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 1)

            // when
            let batch = try await withConsumer(configuration, queue, batch: 500) { try await $0.next() }

            // then
            #expect(batch?.numbers == [0])
        }
    }

    /// A waiter is registered outside the loop; a loop that had just looked for one slept on for a quarter heartbeat.
    @Test func whatCameWhileNobodyWaitedIsHandedOutAtOnce() async throws {
        // given
        try await withBroker(TestBroker.configuration(heartbeat: .seconds(60))) { configuration, name in
            let queue = name("orders")
            try await fill(configuration, queue, 1)

            // when
            let longest = try await withPublisher(configuration) { publisher in
                try await withConsumer(configuration, queue) { consumer in
                    var longest = Duration.zero
                    for round in 1...60 where longest < .seconds(10) {
                        guard let batch = try await consumer.next() else { break }
                        _ = await publisher.publish(messages(round..<round + 1, to: queue), deadline: .seconds(10))
                        await consumer.acknowledge(batch)
                        // As long as a small transaction: the next message comes while nobody waits for it.
                        try await Task.sleep(for: .milliseconds(round % 6))
                        let began = ContinuousClock.now
                        guard let next = try await consumer.next() else { break }
                        longest = max(longest, ContinuousClock.now - began)
                        await consumer.acknowledge(next)
                        _ = await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(10))
                    }
                    return longest
                }
            }

            // then
            #expect(longest < .seconds(10))
        }
    }

    @Test func aBatchThatIsFinishedFirstWaitsForTheOneBeforeIt() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 30)

            // when
            try await withConsumer(configuration, queue, batch: 10, inFlight: 3) { consumer in
                let batches = try await consumer.batches(holding: 30)
                for batch in batches.dropFirst() { await consumer.acknowledge(batch) }
            }

            // then
            try await waitUntil("everything has returned") { try await configuration.messageCount(queue) == 30 }
            let again = try await withConsumer(configuration, queue) { try await $0.take(30) }
            #expect(again == Array(0..<30))
        }
    }

    @Test func batchesThatAreFinishedInAnyOrderAreAllAcknowledged() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 30)

            // when
            try await withConsumer(configuration, queue, batch: 10, inFlight: 3) { consumer in
                let batches = try await consumer.batches(holding: 30)
                for batch in batches.reversed() { await consumer.acknowledge(batch) }
                await consumer.drain()
            }

            // then
            try await fillDeclared(configuration, queue, 1)
            let next = try await withConsumer(configuration, queue) { try await $0.next() }
            #expect(next?.deliveries.map(\.isRedelivered) == [false], "nothing has returned")
        }
    }

    @Test func anAbandonedBatchComesAgainInOrderWithItsCount() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue, [("x-delivery-limit", .int(10))])
            try await fillDeclared(configuration, queue, 30)

            try await withConsumer(configuration, queue, batch: 10, inFlight: 2) { consumer in
                let first = try await consumer.batches(holding: 10)
                for batch in first { await consumer.acknowledge(batch) }
                let second = try #require(try await consumer.next())

                // when
                await consumer.abandon(second)
                await consumer.acknowledge(second)
                let done = first.flatMap(\.numbers).count
                let again = try #require(try await consumer.next())
                await consumer.acknowledge(again)
                let rest = try await consumer.take(29 - done)

                // then
                #expect(again.numbers + rest == Array(done..<30))
                #expect(again.deliveries.map(\.deliveryCount) == [1])
                #expect(again.deliveries.first?.isRedelivered == true)
            }
        }
    }

    @Test func anAcknowledgementFromAnOlderChannelIsVoid() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 30)

            // when
            try await withConsumer(configuration, queue, batch: 10, inFlight: 3) { consumer in
                let old = try await consumer.batches(holding: 30)
                await consumer.abandon(old[0])
                let new = try #require(try await consumer.next())
                for batch in old.dropFirst() { await consumer.acknowledge(batch) }
                await consumer.acknowledge(new)
                await consumer.drain()
            }

            // then
            try await waitUntil("all but one have returned") { try await configuration.messageCount(queue) == 29 }
        }
    }

    private func fillDeclared(_ configuration: RabbitMQConfiguration, _ queue: String, _ count: Int) async throws {
        _ = try await withPublisher(configuration) { publisher in
            await publisher.publish(messages(0..<count, to: queue), deadline: .seconds(30))
        }
    }

    @Test func aDeletedQueueIsConsumedAgainWhenItIsBack() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 1)
            try await withConsumer(configuration, queue) { consumer in
                #expect(try await consumer.take(1) == [0])

                // when
                try await TestBroker.administer(configuration) { try await $0.deleteQueue(queue) }
                try await waitUntil("the consumer has noticed") { await !consumer.isConnected }
                try await fill(configuration, queue, 3)

                // then
                #expect(try await consumer.take(3) == [0, 1, 2])
            }
        }
    }

    @Test func aQueueThatIsMissingAtFirstIsWaitedFor() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("late")
            try await withConsumer(configuration, queue) { consumer in
                async let numbers = consumer.take(2)

                // when
                try await fill(configuration, queue, 2)

                // then
                #expect(try await numbers == [0, 1])
            }
        }
    }

    @Test func drainingWaitsForWhatIsHandedOutAndLeavesTheRest() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 40)
            try await withConsumer(configuration, queue, batch: 10, inFlight: 4) { consumer in
                let (first, second) = (try await consumer.next(), try await consumer.next())
                let (done, handed) = (try #require(first), try #require(second))

                // when
                async let drained: Void = consumer.drain()
                try await waitUntil("nothing more is handed out") { try await consumer.next() == nil }
                await consumer.acknowledge(handed)
                await consumer.acknowledge(done)
                await drained

                // then
                let left = 40 - done.count - handed.count
                try await waitUntil("the rest has returned") { try await configuration.messageCount(queue) == left }
                let rest = try await withConsumer(configuration, queue) { try await $0.take(left) }
                #expect(rest == Array(40 - left..<40))
            }
        }
    }

    @Test func drainingGivesUpOnABatchThatNobodyFinishes() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await fill(configuration, queue, 5)
            try await withConsumer(configuration, queue) { consumer in
                _ = try await consumer.next()

                // when
                let start = ContinuousClock.now
                await consumer.drain()

                // then
                #expect(ContinuousClock.now - start >= .seconds(4.5))
                try await waitUntil("everything has returned") { try await configuration.messageCount(queue) == 5 }
            }
        }
    }

    @Test func aCancelledWaitEndsAndTheNextGetsTheMessage() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withConsumer(configuration, queue) { consumer in
                // when
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await #expect(throws: CancellationError.self) { try await consumer.next() }
                    }
                    group.cancelAll()
                }
                try await fillDeclared(configuration, queue, 1)

                // then
                #expect(try await consumer.take(1) == [0])
            }
        }
    }

    @Test func bodiesOfEverySizeArriveWhole() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("sizes")
            try await configuration.declareQueue(queue)
            let sizes = [0, 1, 131_064, 131_065, 1 << 20]
            let sent = sizes.map { size in
                OutgoingMessage(
                    exchange: "", routingKey: queue, body: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) },
                    messageID: "\(size)", contentType: "application/octet-stream")
            }

            // when
            let outcomes = try await withPublisher(configuration) { await $0.publish(sent, deadline: .seconds(30)) }
            let batches = try await withConsumer(configuration, queue) { try await $0.batches(holding: sizes.count) }

            // then
            #expect(outcomes.allSatisfy { $0 == .confirmed })
            let bodies = batches.flatMap { batch in batch.deliveries.indices.map { Array(batch.body($0)) } }
            #expect(bodies == sent.map(\.body))
        }
    }

    @Test func anIdleConnectionOutlivesManyHeartbeats() async throws {
        try await withBroker { _, name in
            // given
            let configuration = try TestBroker.configuration(heartbeat: .seconds(1))
            let queue = name("idle")
            try await configuration.declareQueue(queue)
            let consumer = RabbitConsumer(
                configuration: configuration, queue: queue, logger: TestBroker.quietLogger)
            async let numbers = consumer.take(1)
            try await waitUntil("it is connected") { await consumer.isConnected }

            // when
            let end = ContinuousClock.now + .seconds(6)
            var losses = 0
            try await waitUntil("six heartbeats have passed") {
                if await !consumer.isConnected { losses += 1 }
                return ContinuousClock.now > end
            }

            // then
            #expect(losses == 0)
            try await fillDeclared(configuration, queue, 1)
            #expect(try await numbers == [0])
            await consumer.close()
        }
    }
}
