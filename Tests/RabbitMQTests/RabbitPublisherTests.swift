import Foundation
import RabbitMQ
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct RabbitPublisherTests {
    @Test func thousandsOfMessagesAreConfirmedAndStoredInOrder() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)

            // when
            let outcomes = try await withPublisher(configuration) { publisher in
                await publisher.publish(messages(0..<5_000, to: queue), deadline: .seconds(30))
            }

            // then
            #expect(outcomes.count { $0 == .confirmed } == 5_000)
            let stored = try await withConsumer(configuration, queue) { try await $0.take(5_000) }
            #expect(stored == Array(0..<5_000))
        }
    }

    @Test func callsInFlightAtOnceKeepTheirOrder() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)

            // when
            let outcomes = try await withPublisher(configuration, windowMax: 8) { publisher in
                await withTaskGroup(of: [PublishOutcome].self) { group in
                    for call in 0..<20 {
                        group.addTask {
                            let some = messages(call * 25..<(call + 1) * 25, to: queue)
                            return await publisher.publish(some, deadline: .seconds(30))
                        }
                    }
                    return await group.reduce(into: []) { $0 += $1 }
                }
            }

            // then
            #expect(outcomes.count { $0 == .confirmed } == 500)
            let stored = try await withConsumer(configuration, queue) { try await $0.take(500) }
            for call in 0..<20 {
                let range = call * 25..<(call + 1) * 25
                let positions = stored.indices.filter { range.contains(stored[$0]) }
                #expect(positions.map { stored[$0] } == Array(range))
                #expect(positions.last.map { $0 - 24 } == positions.first, "calls do not interleave")
            }
        }
    }

    @Test func onlyTheMessageThatNoQueueTakesIsReturned() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            var batch = messages(0..<300, to: queue)
            batch[137].routingKey = name("nowhere")

            // when
            let sent = batch
            let outcomes = try await withPublisher(configuration) { await $0.publish(sent, deadline: .seconds(20)) }

            // then
            #expect(outcomes.indices.filter { outcomes[$0] != .confirmed } == [137])
            #expect(outcomes[137] == .returned(code: 312, reason: "NO_ROUTE"))
        }
    }

    @Test func aMessageThatNeedNotBeRoutedIsConfirmed() async throws {
        try await withBroker { configuration, name in
            // given
            var message = messages(0..<1, to: name("nowhere"))[0]
            message.isMandatory = false

            // when
            let sent = message
            let outcomes = try await withPublisher(configuration) { await $0.publish([sent], deadline: .seconds(20)) }

            // then
            #expect(outcomes == [.confirmed])
        }
    }

    @Test func aFullQueueNacks() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("bounded")
            try await configuration.declareQueue(
                queue, [("x-max-length", .int(3)), ("x-overflow", .string("reject-publish"))])

            // when
            let outcomes = try await withPublisher(configuration, windowMax: 1) { publisher in
                await publisher.publish(messages(0..<20, to: queue), deadline: .seconds(20))
            }

            // then
            #expect(outcomes.first == .confirmed)
            #expect(outcomes.last == .nacked)
            #expect(Set(outcomes.map { "\($0)" }) == ["confirmed", "nacked"])
        }
    }

    @Test func aMissingExchangeIsNamedAndThePublisherGoesOn() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            var lost = messages(0..<1, to: queue)[0]
            lost.exchange = name("missing")

            try await withPublisher(configuration) { publisher in
                // when
                let sent = lost
                let outcomes = await publisher.publish([sent], deadline: .seconds(20))
                let afterwards = await publisher.publish(messages(0..<10, to: queue), deadline: .seconds(20))

                // then
                guard case .unknown(let reason) = outcomes[0] else {
                    Issue.record("\(outcomes)")
                    return
                }
                #expect(reason.contains("404") && reason.contains(sent.exchange))
                #expect(afterwards == Array(repeating: .confirmed, count: 10))
            }
        }
    }

    @Test func aMessageThatCannotBeEncodedLeavesItsNeighboursAlone() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            var batch = messages(0..<3, to: queue)
            batch[1].messageID = String(repeating: "x", count: 256)

            // when
            let sent = batch
            let outcomes = try await withPublisher(configuration) { await $0.publish(sent, deadline: .seconds(20)) }

            // then
            #expect(outcomes[0] == .confirmed && outcomes[2] == .confirmed)
            guard case .returned(code: 501, _) = outcomes[1] else {
                Issue.record("\(outcomes[1])")
                return
            }
        }
    }

    @Test func everyPropertyArrives() async throws {
        try await withBroker { configuration, name in
            // given
            let (exchange, queue) = (name("events"), name("listener"))
            try await TestBroker.administer(configuration) { administrator in
                try await administrator.declareExchange(exchange, type: .topic)
                try await administrator.declareQueue(queue, arguments: quorum)
                try await administrator.bind(queue: queue, exchange: exchange, routingKey: "funding.grant.#")
            }
            let headers: [(String, HeaderValue)] = [
                ("ce-type", .string("funding.grant.reserved.v1")), ("ce-sequence", .int(7)), ("ce-replay", .bool(true)),
            ]
            let message = OutgoingMessage(
                exchange: exchange, routingKey: "funding.grant.reserved.v1", body: Array("{}".utf8),
                messageID: "0191e9c0-0000-7000-8000-000000000001", type: "funding.grant.reserved.v1",
                contentType: "application/cloudevents+json", appID: "funding", timestamp: Date(), headers: headers)

            // when
            let outcomes = try await withPublisher(configuration) {
                await $0.publish([message], deadline: .seconds(20))
            }
            let batch = try await withConsumer(configuration, queue) { try await $0.next() }

            // then
            #expect(outcomes == [.confirmed])
            let delivery = try #require(batch?.deliveries.first)
            #expect(delivery.exchange == exchange && delivery.routingKey == message.routingKey)
            #expect(delivery.messageID == message.messageID && delivery.type == message.type)
            #expect(delivery.contentType == message.contentType && delivery.userID == nil)
            #expect(!delivery.isRedelivered && delivery.deliveryCount == 0 && !delivery.headersAreMalformed)
            for (key, value) in headers { #expect(delivery.header(key) == value) }
            #expect(batch.map { Array($0.body(0)) } == message.body)
        }
    }

    @Test func aClosedPublisherAnswersAtOnce() async throws {
        // given
        let publisher = RabbitPublisher(
            configuration: try TestBroker.configuration(), logger: TestBroker.quietLogger)
        await publisher.close()

        // when
        let outcomes = await publisher.publish(messages(0..<2, to: "any"), deadline: .seconds(20))

        // then
        #expect(outcomes == Array(repeating: .unknown("not sent: the publisher is closed"), count: 2))
    }

    @Test func aBrokerThatIsNotThereEndsThePublishAtItsDeadline() async throws {
        // given
        let configuration = try TestBroker.configuration(url: "amqp://guest:s3cret@127.0.0.1:1/%2F")

        try await withPublisher(configuration) { publisher in
            // when
            let start = ContinuousClock.now
            let outcomes = await publisher.publish(messages(0..<1, to: "any"), deadline: .milliseconds(500))

            // then
            // Without a deadline it would wait for ever; a machine that runs all tests at once is slow to say so.
            #expect(ContinuousClock.now - start < .seconds(60))
            guard case .unknown(let reason) = outcomes[0] else {
                Issue.record("\(outcomes)")
                return
            }
            #expect(reason.contains("nothing listens there") && !reason.contains("s3cret"))
        }
    }
}
