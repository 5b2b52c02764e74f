import Foundation
import RabbitMQ
import TestSupport

let quorum: [(String, HeaderValue)] = [("x-queue-type", .string("quorum"))]

/// Messages to a queue through the default exchange, with their numbers as bodies.
func messages(_ numbers: Range<Int>, to queue: String, padding: Int = 0) -> [OutgoingMessage] {
    numbers.map { number in
        OutgoingMessage(
            exchange: "", routingKey: queue, body: Array("\(number)".utf8) + [UInt8](repeating: 32, count: padding),
            messageID: UUID().uuidString, contentType: "text/plain")
    }
}

extension DeliveryBatch {
    /// The numbers that ``messages(_:to:padding:)`` wrote.
    var numbers: [Int] {
        deliveries.indices.map { index in
            Int(String(decoding: body(index).prefix { $0 != 32 }, as: UTF8.self)) ?? -1
        }
    }
}

/// Lends a publisher and closes it.
func withPublisher<R>(
    _ configuration: RabbitMQConfiguration, windowMax: Int = 200, _ body: (RabbitPublisher) async throws -> R
) async throws -> R {
    let publisher = RabbitPublisher(
        configuration: configuration, windowMax: windowMax, logger: TestBroker.quietLogger)
    do {
        let result = try await body(publisher)
        await publisher.close()
        return result
    } catch {
        await publisher.close()
        throw error
    }
}

/// Lends a consumer and closes it.
func withConsumer<R>(
    _ configuration: RabbitMQConfiguration, _ queue: String, batch: Int = 500, inFlight: Int = 2,
    _ body: (RabbitConsumer) async throws -> R
) async throws -> R {
    let consumer = RabbitConsumer(
        configuration: configuration, queue: queue, batchCountMax: batch, batchesInFlight: inFlight,
        logger: TestBroker.quietLogger)
    do {
        let result = try await body(consumer)
        await consumer.close()
        return result
    } catch {
        await consumer.close()
        throw error
    }
}

extension RabbitConsumer {
    /// The numbers of the next messages, acknowledged batch by batch.
    func take(_ count: Int) async throws -> [Int] {
        var numbers: [Int] = []
        while numbers.count < count, let batch = try await next() {
            numbers += batch.numbers
            await acknowledge(batch)
        }
        return numbers
    }

    /// The next batches until they hold so many messages, unacknowledged.
    func batches(holding count: Int) async throws -> [DeliveryBatch] {
        var batches: [DeliveryBatch] = []
        while batches.reduce(0, { $0 + $1.count }) < count, let batch = try await next() { batches.append(batch) }
        return batches
    }
}

extension RabbitMQConfiguration {
    /// A quorum queue under the name.
    func declareQueue(_ name: String, _ more: [(String, HeaderValue)] = []) async throws {
        try await TestBroker.administer(self) { try await $0.declareQueue(name, arguments: quorum + more) }
    }

    func messageCount(_ queue: String) async throws -> Int {
        try await TestBroker.administer(self) { try await $0.messageCount(queue: queue) }
    }
}
