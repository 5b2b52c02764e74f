import Events
import Foundation
import RabbitMQ

/// The outside publisher that sends everything, with its own user in the publishers' virtual host.
struct OutsidePublisher: Sendable {
    private static let chunkCount = 5_000

    let name: String
    private let broker: RabbitMQConfiguration

    var queue: String { FeedbackSubmission.queue(of: name) }
    var receiptsQueue: String { FeedbackSubmission.receiptsQueue(of: name) }

    /// One that deploy/ registers.
    static func registered(in system: BenchedSystem) throws -> OutsidePublisher {
        let name = "telesuivi"
        let url = try system.servers.brokerURL(
            user: "\(name).1", password: system.secret("publisher-\(name)"), virtualHost: "outside")
        return OutsidePublisher(name: name, broker: try RabbitMQConfiguration(url: url, connectionName: "bench"))
    }

    /// Publishes a workload from a message on, as fast as the broker confirms.
    func publish(_ workload: FeedbackWorkload, from first: Int = 0) async throws {
        let publisher = connect()
        for start in stride(from: first, to: workload.count, by: Self.chunkCount) {
            let numbers = start..<min(start + Self.chunkCount, workload.count)
            try await send(numbers, of: workload, by: publisher)
        }
        await publisher.close()
    }

    func connect() -> RabbitPublisher {
        RabbitPublisher(configuration: broker, windowMax: 1_000, logger: Servers.quietLogger)
    }

    func send(_ numbers: Range<Int>, of workload: FeedbackWorkload, by publisher: RabbitPublisher) async throws {
        let messages = numbers.map { number in
            let (id, body) = workload.message(number)
            return OutgoingMessage(
                exchange: queue, routingKey: "", body: body, messageID: id, contentType: EventEnvelope.contentType)
        }
        let outcomes = await publisher.publish(messages, deadline: .seconds(120))
        guard outcomes.allSatisfy({ $0 == .confirmed }) else {
            throw BenchedSystem.Failure(description: "the broker did not confirm every message")
        }
    }
}

extension OutsidePublisher {
    private struct Message: Decodable {
        let data: FeedbackSubmission.Receipts
    }

    private static let receiptsTimeout = Duration.seconds(60)

    /// Reads its receipts.
    /// - Returns: how many different events were accepted, once that many are expected or nothing more comes.
    func acceptedCount(expecting expected: Int) async throws -> Int {
        let consumer = RabbitConsumer(configuration: broker, queue: receiptsQueue, logger: Servers.quietLogger)
        var accepted: Set<String> = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Task.sleep(for: Self.receiptsTimeout)
                await consumer.drain()
            }
            while accepted.count < expected, let batch = try await consumer.next() {
                for index in 0..<batch.count {
                    let message = try WireCoding.decode(Message.self, from: batch.body(index))
                    for receipt in message.data.receipts where receipt.outcome == .accepted {
                        accepted.insert(receipt.id)
                    }
                }
                await consumer.acknowledge(batch)
            }
            group.cancelAll()
            // The clock above ends by its cancellation.
            try? await group.waitForAll()
        }
        await consumer.close()
        return accepted.count
    }
}
