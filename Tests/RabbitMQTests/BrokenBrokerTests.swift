import RabbitMQ
import TestSupport
import Testing

/// Lends one private node to a suite.
struct PrivateBrokerTrait: SuiteTrait, TestScoping {
    @TaskLocal static var broker: PrivateBroker?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await PrivateBroker.with { broker in
            try await Self.$broker.withValue(broker) { try await function() }
        }
    }
}

extension Trait where Self == PrivateBrokerTrait {
    /// A node that the suite's tests may break, one at a time.
    static var privateBroker: Self { Self() }
}

@Suite(.serialized, .privateBroker, .timeLimit(.minutes(10))) struct BrokenBrokerTests {
    private let broker: PrivateBroker

    init() throws { broker = try #require(PrivateBrokerTrait.broker) }

    @Test func aBrokerThatIsKilledWhilePublishingLeavesNoCallWaiting() async throws {
        let configuration = try broker.configuration(heartbeat: .seconds(2))
        try await withBroker(configuration) { _, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withPublisher(configuration) { publisher in
                #expect(await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20)) == [.confirmed])

                // when
                async let calls = publisher.publish(messages(0..<200_000, to: queue), deadline: .seconds(8))
                try await waitUntil("messages are stored") { try await configuration.messageCount(queue) > 1_000 }
                try await broker.kill()
                let outcomes = await calls

                // then
                let confirmed = outcomes.prefix { $0 == .confirmed }.count
                #expect(confirmed > 0 && confirmed < 200_000)
                #expect(outcomes.dropFirst(confirmed).allSatisfy { if case .unknown = $0 { true } else { false } })

                // when
                try await broker.start()
                let afterwards = await publisher.publish(messages(0..<10, to: queue), deadline: .seconds(30))

                // then
                #expect(afterwards == Array(repeating: .confirmed, count: 10))
                #expect(try await configuration.messageCount(queue) >= confirmed + 11)
            }
        }
    }

    @Test func aFrozenBrokerEndsThePublishAtItsDeadline() async throws {
        let configuration = try broker.configuration(heartbeat: .seconds(60))
        try await withBroker(configuration) { _, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withPublisher(configuration) { publisher in
                #expect(await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20)) == [.confirmed])
                broker.pause()
                defer { broker.resume() }

                // when: one message is more than the kernels' buffers hold, so the write itself blocks
                let start = ContinuousClock.now
                let large = messages(0..<2, to: queue, padding: 32 << 20)
                let outcomes = await publisher.publish(large, deadline: .seconds(2))
                let waited = ContinuousClock.now - start

                // then
                #expect(outcomes.allSatisfy { if case .unknown = $0 { true } else { false } })
                #expect(waited >= .seconds(1.9) && waited < .seconds(4))
            }
        }
    }

    @Test func aFrozenBrokerIsNoticedByItsSilenceAndUsedAgainAfterwards() async throws {
        let configuration = try broker.configuration(heartbeat: .seconds(2))
        try await withBroker(configuration) { _, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withPublisher(configuration) { publisher in
                try await withConsumer(configuration, queue) { consumer in
                    async let numbers = consumer.take(1)
                    try await waitUntil("the consumer is connected") { await consumer.isConnected }
                    _ = await publisher.publish(messages(0..<0, to: queue), deadline: .seconds(1))

                    // when
                    broker.pause()
                    let start = ContinuousClock.now
                    try await waitUntil("the silence is noticed") { await !consumer.isConnected }
                    let noticed = ContinuousClock.now - start
                    broker.resume()

                    // then
                    #expect(noticed < .seconds(6.5))
                    let outcomes = await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(30))
                    #expect(outcomes == [.confirmed])
                    #expect(try await numbers == [0])
                }
            }
        }
    }

    @Test func anAlarmHoldsPublishersBackUntilItIsOver() async throws {
        let configuration = try broker.configuration(heartbeat: .seconds(2))
        try await withBroker(configuration) { _, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withPublisher(configuration) { publisher in
                #expect(await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20)) == [.confirmed])
                try broker.setMemoryHighWatermark("0.0001")

                // when
                async let held = publisher.publish(messages(1..<3_000, to: queue), deadline: .seconds(60))
                try await waitUntil("the publisher knows") { await publisher.isBlocked }
                let late = await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(1))
                try broker.setMemoryHighWatermark("0.4")

                // then
                #expect(late == [.unknown("not sent: the broker blocks publishers")])
                #expect(await held.count { $0 == .confirmed } == 2_999)
                #expect(await !publisher.isBlocked)
            }
        }
    }

    @Test func fiveThousandThatWereOutAreDoneWithinFiveSecondsOfARestart() async throws {
        let configuration = try broker.configuration(heartbeat: .seconds(2))
        try await withBroker(configuration) { _, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue, [("x-delivery-limit", .int(100))])
            try await withPublisher(configuration) { publisher in
                _ = await publisher.publish(messages(0..<5_000, to: queue), deadline: .seconds(60))
                try await withConsumer(configuration, queue, batch: 500, inFlight: 10) { consumer in
                    _ = try await consumer.batches(holding: 5_000)

                    // when: down for so long that the attempts are as rare as they get
                    try broker.saveDirectory()
                    try await broker.kill()
                    async let numbers = consumer.take(5_000)
                    let end = ContinuousClock.now + .seconds(4)
                    try await waitUntil("four seconds have passed") { ContinuousClock.now > end }
                    try await broker.start()
                    let start = ContinuousClock.now
                    async let outcomes = publisher.publish(messages(0..<100, to: queue), deadline: .seconds(30))
                    let again = try await numbers
                    let consumed = ContinuousClock.now - start

                    // then
                    // Behind them may be some of the hundred.
                    #expect(again.prefix(5_000) == Array(0..<5_000)[...])
                    #expect(consumed < .seconds(5))
                    #expect(await outcomes.allSatisfy { $0 == .confirmed })
                    #expect(ContinuousClock.now - start < .seconds(5))
                }
            }
        }
    }

    @Test func connectionsThatTheBrokerClosesAreMadeAgain() async throws {
        let configuration = try broker.configuration()
        try await withBroker(configuration) { _, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withPublisher(configuration) { publisher in
                try await withConsumer(configuration, queue) { consumer in
                    async let numbers = consumer.take(2)
                    _ = await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20))

                    // when
                    try broker.closeAllConnections("maintenance")
                    let outcomes = await publisher.publish(messages(1..<2, to: queue), deadline: .seconds(20))

                    // then
                    #expect(outcomes != [.nacked])
                    if outcomes != [.confirmed] {
                        _ = await publisher.publish(messages(1..<2, to: queue), deadline: .seconds(20))
                    }
                    #expect(try await Set(numbers) == [0, 1])
                }
            }
        }
    }
}
