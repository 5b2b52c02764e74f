import Foundation
import RabbitMQ
import TestSupport
import Testing

@testable import ServiceRuntime

/// A broker whose facts are looked at: that of `MAILLAGE_TEST_BROKER_URL` where `MAILLAGE_TEST_BROKER_MANAGEMENT_URL`
/// names its management interface too, for a version that is not installed here; else a node of the suite's own.
struct FactsBroker: Sendable {
    let url: String
    let port: UInt16
    let login: (user: String, password: String)
    let management: BrokerManagement
    let version: Int
    /// Asks the broker to try dead-lettering again soon, instead of after three minutes.
    let hurry: @Sendable () throws -> Void

    @TaskLocal static var current: FactsBroker?

    private struct Overview: Decodable {
        let rabbitmq_version: String
    }

    static func make(
        url: String, managementURL: String, hurry: @escaping @Sendable () throws -> Void
    ) async throws -> FactsBroker {
        let management = try BrokerManagement(url: managementURL)
        let overview = try #require(try await management.get(Overview.self, "overview"))
        let version = try #require(overview.rabbitmq_version.split(separator: ".").first.flatMap { Int($0) })
        let parts = try #require(URLComponents(string: url))
        let port = try #require(parts.port.flatMap { UInt16(exactly: $0) })
        let login = (parts.user ?? "guest", parts.password ?? "guest")
        return FactsBroker(
            url: url, port: port, login: login, management: management, version: version, hurry: hurry)
    }
}

struct FactsBrokerTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        if let managementURL = ProcessInfo.processInfo.environment["MAILLAGE_TEST_BROKER_MANAGEMENT_URL"] {
            let broker = try await FactsBroker.make(url: TestBroker.url(), managementURL: managementURL) {}
            return try await FactsBroker.$current.withValue(broker) { try await function() }
        }
        var extras = PrivateBroker.Extras()
        extras.hasManagement = true
        try await PrivateBroker.with(extras) { node in
            let broker = try await FactsBroker.make(url: node.url, managementURL: node.managementURL) {
                try node.control(
                    "eval", "application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, 1000).")
            }
            try await FactsBroker.$current.withValue(broker) { try await function() }
        }
    }
}

extension Trait where Self == FactsBrokerTrait {
    static var factsBroker: Self { Self() }
}

/// What the design rests on, and where versions 3.10 and 4 differ (docs/broker.md).
@Suite(.serialized, .factsBroker, .timeLimit(.minutes(15))) struct BrokerFactsTests {
    private let broker: FactsBroker

    init() throws { broker = try #require(FactsBroker.current) }

    private func withFacts(_ body: (RabbitMQConfiguration, BrokerNames) async throws -> Void) async throws {
        try await withBroker(TestBroker.configuration(url: broker.url), body)
    }

    private func publish(_ numbers: Range<Int>, to queue: String, _ configuration: RabbitMQConfiguration) async throws {
        let outcomes = try await withPublisher(configuration) { publisher in
            await publisher.publish(messages(numbers, to: queue), deadline: .seconds(30))
        }
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }

    private func deadLetters(to queue: String) -> [(String, HeaderValue)] {
        [("x-dead-letter-exchange", .string("")), ("x-dead-letter-routing-key", .string(queue))]
    }

    /// How often the one message of a queue is delivered to consumers that die of it, until it is somewhere else.
    private func deliveries(
        _ queue: String, _ configuration: RabbitMQConfiguration,
        until isGone: @escaping @Sendable () async throws -> Bool
    ) async throws -> Int {
        for count in 0..<50 {
            let wasDelivered = try await withConsumer(configuration, queue, batch: 1, inFlight: 1) { consumer in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask { try await consumer.next() != nil }
                    group.addTask {
                        try await waitUntil("it is gone", within: .seconds(60)) { try await isGone() }
                        return false
                    }
                    defer { group.cancelAll() }
                    return try await group.next() ?? false
                }
            }
            if !wasDelivered { return count }
        }
        return 50
    }

    @Test func aDeliveryLimitOfThreeIsFourDeliveriesAndTheCauseIsInTheHeaders() async throws {
        try await withFacts { configuration, name in
            // given
            let (queue, dead) = (name("orders"), name("dead"))
            try await configuration.declareQueue(dead)
            try await configuration.declareQueue(queue, [("x-delivery-limit", .int(3))] + deadLetters(to: dead))
            try await publish(0..<1, to: queue, configuration)

            // when
            let count = try await deliveries(queue, configuration) {
                try await configuration.messageCount(dead) == 1
            }

            // then
            #expect(count == 4)
            let letter = try #require(try await withConsumer(configuration, dead) { try await $0.next() })
            #expect(letter.numbers == [0])
            #expect(letter.deliveries[0].header("x-first-death-reason") == .string("delivery_limit"))
            #expect(letter.deliveries[0].header("x-first-death-queue") == .string(queue))
            #expect(letter.deliveries[0].header("x-death") == .nested, "a list of tables")
        }
    }

    @Test(arguments: [true, false])
    func whatWasOutWhenItsConsumerEndedStandsBehindWhatReturnedBeforeAndBeforeTheRest(hasLimit: Bool) async throws {
        try await withFacts { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue, hasLimit ? [("x-delivery-limit", .int(10))] : [])
            try await publish(0..<100, to: queue, configuration)
            func takeAndDie(_ count: Int, batch: Int) async throws -> [Int] {
                let out = try await withConsumer(configuration, queue, batch: batch, inFlight: 1) { consumer in
                    try await consumer.batches(holding: count).flatMap(\.numbers)
                }
                try await waitUntil("all are back") { try await configuration.messageCount(queue) == 100 }
                return out
            }

            // when
            #expect(try await takeAndDie(51, batch: 50) == Array(0...50))
            #expect(try await takeAndDie(1, batch: 1) == [0])

            // then
            let order = try await withConsumer(configuration, queue) { try await $0.take(100) }
            #expect(order == Array(1...50) + [0] + Array(51..<100))
        }
    }

    @Test(arguments: [true, false])
    func whatIsRejectedWithRequeueStandsInFrontOnlyWhereThereIsALimit(hasLimit: Bool) async throws {
        try await withFacts { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue, hasLimit ? [("x-delivery-limit", .int(10))] : [])
            try await publish(0..<5, to: queue, configuration)

            // when
            try RawPublisher(port: broker.port, login: broker.login).takeAndReturn(queue)

            // then: from version 4 on there always is one
            let order = try await withConsumer(configuration, queue) { try await $0.take(5) }
            #expect(order == (hasLimit || broker.version >= 4 ? [0, 1, 2, 3, 4] : [1, 2, 3, 4, 0]))
        }
    }

    @Test func theSmallerLimitOfPolicyAndArgumentCountsAndTheArgumentsDeadLetterExchange() async throws {
        try await withFacts { configuration, name in
            // given
            let (queue, byArgument, byPolicy) = (name("orders"), name("by-argument"), name("by-policy"))
            for dead in [byArgument, byPolicy] { try await configuration.declareQueue(dead) }
            let policy = BrokerPlan.Policy(
                queue, pattern: TopologyDeclaration.pattern(queue),
                PolicyDefinition([
                    "delivery-limit": .number(1), "dead-letter-exchange": .text(""),
                    "dead-letter-routing-key": .text(byPolicy),
                ]))
            try await broker.management.put("policies", "/", queue, body: BrokerState.Policy(policy))
            try await configuration.declareQueue(queue, [("x-delivery-limit", .int(5))] + deadLetters(to: byArgument))
            try await publish(0..<1, to: queue, configuration)

            // when
            let count = try await deliveries(queue, configuration) {
                try await configuration.messageCount(byArgument) + configuration.messageCount(byPolicy) == 1
            }
            try await broker.management.delete("policies", "/", queue)

            // then
            #expect(count == 2)
            #expect(try await configuration.messageCount(byArgument) == 1)
        }
    }

    @Test func aDeadLetterWithoutAWayIsKeptAtLeastOnceAndLostAtMostOnce() async throws {
        try await withFacts { configuration, name in
            // given
            try broker.hurry()
            let (kept, lost, exchange, dead) = (name("kept"), name("lost"), name("exchange"), name("dead"))
            let limited: [(String, HeaderValue)] = [
                ("x-delivery-limit", .int(0)), ("x-dead-letter-exchange", .string(exchange)),
                ("x-dead-letter-routing-key", .string("")),
            ]
            try await configuration.declareQueue(lost, limited)
            try await configuration.declareQueue(
                kept,
                limited + [
                    ("x-dead-letter-strategy", .string("at-least-once")), ("x-overflow", .string("reject-publish")),
                ])
            for (queue, number) in [(lost, 1), (kept, 2)] {
                try await publish(number..<number + 1, to: queue, configuration)
                _ = try await withConsumer(configuration, queue, batch: 1, inFlight: 1) { try await $0.next() }
                // What is published after it comes alone: the one before it is gone from the queue.
                try await publish(number + 10..<number + 11, to: queue, configuration)
                #expect(try await withConsumer(configuration, queue) { try await $0.take(1) } == [number + 10])
            }

            // when
            try await configuration.declareQueue(dead)
            try await TestBroker.administer(configuration) { administrator in
                try await administrator.declareExchange(exchange, type: .fanout)
                try await administrator.bind(queue: dead, exchange: exchange, routingKey: "")
            }

            // then
            let letter = try await withConsumer(configuration, dead) { try await $0.take(1) }
            #expect(letter == [2])
            #expect(try await configuration.messageCount(dead) == 0)
        }
    }

    /// Lends a user who may write to one exchange, there with one routing key.
    private func withOutsider(
        _ exchange: String, topic: String?, _ body: (RawPublisher) async throws -> Void
    ) async throws {
        let user = "outsider-\(UUID().uuidString.lowercased())"
        try await broker.management.put("users", user, body: ["password": "unused", "tags": ""])
        try await broker.management.put(
            "permissions", "/", user,
            body: ["configure": "^$", "write": TopologyDeclaration.pattern(exchange), "read": "^$"])
        if let topic {
            try await broker.management.put(
                "topic-permissions", "/", user,
                body: ["exchange": exchange, "write": TopologyDeclaration.pattern(topic), "read": "^$"])
        }
        try await body(RawPublisher(port: broker.port, login: (user, "unused")))
        try await broker.management.delete("users", user)
    }

    private static func copies(to key: String, as header: String) -> [UInt8] {
        let list = [UInt8(ascii: "S")] + RawPublisher.text(Array(key.utf8))
        return RawPublisher.properties(
            headers: RawPublisher.entry(Array(header.utf8), "A", RawPublisher.text(list)))
    }

    @Test(arguments: ["CC", "BCC"])
    func aCopyPassesTopicPermissionsBeforeVersionFour(header: String) async throws {
        try await withFacts { configuration, name in
            // given
            let (exchange, theirs) = (name("topic"), name("theirs"))
            try await configuration.declareQueue(theirs)
            try await TestBroker.administer(configuration) { administrator in
                try await administrator.declareExchange(exchange, type: .topic)
                try await administrator.bind(queue: theirs, exchange: exchange, routingKey: "theirs")
            }

            try await withOutsider(exchange, topic: "mine") { outsider in
                // when
                let properties = Self.copies(to: "theirs", as: header)
                let publishing = Result {
                    try outsider.publish(exchange: exchange, queue: "mine", properties: properties, body: [55])
                }

                // then
                if broker.version < 4 {
                    try publishing.get()
                    #expect(try await withConsumer(configuration, theirs) { try await $0.take(1) } == [7])
                } else {
                    #expect(throws: BrokerUnavailable.self) { try publishing.get() }
                    #expect(try await configuration.messageCount(theirs) == 0)
                }
            }
        }
    }

    @Test(arguments: ["CC", "BCC"])
    func aCopyHasNoEffectOnAFanoutOfThePublishersOwn(header: String) async throws {
        try await withFacts { configuration, name in
            // given
            let (exchange, mine, theirs) = (name("fanout"), name("mine"), name("theirs"))
            for queue in [mine, theirs] { try await configuration.declareQueue(queue) }
            try await TestBroker.administer(configuration) { administrator in
                try await administrator.declareExchange(exchange, type: .fanout)
                try await administrator.bind(queue: mine, exchange: exchange, routingKey: "")
            }

            try await withOutsider(exchange, topic: nil) { outsider in
                // when
                try outsider.publish(
                    exchange: exchange, queue: theirs, properties: Self.copies(to: theirs, as: header), body: [55])

                // then
                #expect(try await withConsumer(configuration, mine) { try await $0.take(1) } == [7])
                #expect(try await configuration.messageCount(theirs) == 0)
            }
        }
    }
}
