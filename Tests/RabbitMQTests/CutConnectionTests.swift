import Foundation
import RabbitMQ
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CutConnectionTests {
    private func withCutConnection<R>(
        _ body: (RabbitMQConfiguration, RabbitMQConfiguration, BrokerNames, BrokerProxy) async throws -> R
    ) async throws -> R {
        let url = try TestBroker.url()
        let port = try #require(UInt16(url.split(separator: ":").last?.prefix { $0.isNumber } ?? ""))
        return try await BrokerProxy.with(port) { proxy in
            try await withBroker { direct, name in
                let through = try TestBroker.configuration(
                    url: url.replacing(":\(port)", with: ":\(proxy.port)"), heartbeat: .seconds(2))
                return try await body(through, direct, name, proxy)
            }
        }
    }

    @Test(arguments: [1, 4_000, 100_003])
    func nothingConfirmedIsLostWhenTheWayThereIsCut(after bytes: Int) async throws {
        try await withCutConnection { through, direct, name, proxy in
            // given
            let queue = name("orders")
            try await direct.declareQueue(queue)
            try await withPublisher(through) { publisher in
                #expect(await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20)) == [.confirmed])
                proxy.cut(after: bytes, .toBroker)

                // when
                let sent = messages(1..<1_001, to: queue, padding: 200)
                let outcomes = await publisher.publish(sent, deadline: .seconds(20))

                // then
                #expect(proxy.cuts == 1)
                #expect(outcomes.contains { if case .unknown = $0 { true } else { false } })
                #expect(outcomes.last == .confirmed, "it has connected again and gone on")
                let count = try await direct.messageCount(queue)
                let stored = Set(try await withConsumer(direct, queue) { try await $0.take(count) })
                let confirmed = outcomes.indices.filter { outcomes[$0] == .confirmed }.map { $0 + 1 }
                #expect(stored.isSuperset(of: confirmed))
            }
        }
    }

    @Test func aMessageThatIsStillArrivingIsNotTornByTheBatchBeforeIt() async throws {
        try await withCutConnection { through, direct, name, proxy in
            // given
            let queue = name("large")
            try await direct.declareQueue(queue)
            let sent = messages(0..<1, to: queue) + messages(1..<2, to: queue, padding: 1_000_000)
            _ = try await withPublisher(direct) { await $0.publish(sent, deadline: .seconds(20)) }
            proxy.hold(after: 300_000, .toClient)

            try await withConsumer(through, queue) { consumer in
                // when: the rest of the large message only comes after the small one was handed over
                let first = try await consumer.next()
                proxy.release(.toClient)
                let second = try await consumer.next()

                // then
                #expect(first?.numbers == [0])
                #expect(first?.bytes == sent[0].body)
                #expect(second?.body(0).count == sent[1].body.count)
                #expect(second?.numbers == [1])
            }
        }
    }

    @Test(arguments: [1, 4_000, 100_003])
    func everythingArrivesWhenTheWayBackIsCut(after bytes: Int) async throws {
        try await withCutConnection { through, direct, name, proxy in
            // given
            let queue = name("orders")
            try await direct.declareQueue(queue)
            try await withConsumer(through, queue, batch: 50) { consumer in
                async let first = consumer.take(1)
                _ = try await withPublisher(direct) { publisher in
                    await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20))
                }
                #expect(try await first == [0])
                proxy.cut(after: bytes, .toClient)

                // when
                _ = try await withPublisher(direct) { publisher in
                    await publisher.publish(messages(1..<1_001, to: queue, padding: 200), deadline: .seconds(20))
                }
                var seen: Set<Int> = []
                while seen.count < 1_000, let batch = try await consumer.next() {
                    // The acknowledgement of the first may have been cut off too.
                    #expect(batch.numbers.allSatisfy { 0...1_000 ~= $0 }, "no body is torn")
                    seen.formUnion(batch.numbers.filter { $0 > 0 })
                    await consumer.acknowledge(batch)
                }

                // then
                #expect(proxy.cuts == 1)
                #expect(seen == Set(1...1_000))
            }
        }
    }
}
