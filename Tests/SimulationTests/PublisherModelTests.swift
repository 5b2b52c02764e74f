import Outbox
import RabbitMQ
import TestSupport
import Testing

/// What the relay's rules rest on, asked of RabbitMQ and of the model that stands for it in simulations.
@Suite(.timeLimit(.minutes(10))) struct PublisherModelTests {
    private static let modelSeeds: ClosedRange<UInt64> = 1...30

    /// The return comes before the acknowledgement, which alone would say that all is well.
    @Test func whatNoQueueTakesIsReturnedAndTheOthersAreConfirmed() async throws {
        try await expect(["confirmed, returned 312, confirmed", "stored m1 m3"]) { stage in
            let outcomes = await stage.publish([stage.message("m1"), stage.lost("m2"), stage.message("m3")])
            return [outcomes, "stored " + (try await stage.stored(2)).joined(separator: " ")]
        }
    }

    @Test func fullQueueRefusesAndStoresNothing() async throws {
        try await expect(["confirmed", "nacked", "nacked", "stored m1"], countMax: 1) { stage in
            var notes: [String] = []
            for id in ["m1", "m2", "m3"] { notes.append(await stage.publish([stage.message(id)])) }
            return notes + ["stored " + (try await stage.stored(1)).joined(separator: " ")]
        }
    }

    private func expect(
        _ notes: [String], countMax: Int? = nil,
        of contract: @escaping @Sendable (PublishStage) async throws -> [String]
    ) async throws {
        for seed in Self.modelSeeds {
            let world = SimulatedWorld(seed: seed)
            let found = try world.play { try await Self.play(contract, countMax, world) }
            #expect(found == notes, "the model, seed \(seed)")
        }
        try await withBroker { configuration, name in
            let (queue, nowhere) = (name("contract"), name("nowhere"))
            let full = countMax.map { ("x-max-length", HeaderValue.int(Int64($0))) }
            try await TestBroker.administer(configuration) { administrator in
                try await administrator.declareQueue(
                    queue, arguments: [("x-overflow", .string("reject-publish"))] + (full.map { [$0] } ?? []))
            }
            let publisher = RabbitPublisher(configuration: configuration, logger: TestBroker.quietLogger)
            let stage = PublishStage(publisher: publisher, queue: queue, nowhere: nowhere) { count in
                let consumer = RabbitConsumer(
                    configuration: configuration, queue: queue, batchCountMax: count, logger: TestBroker.quietLogger)
                var ids: [String] = []
                while ids.count < count, let batch = try await consumer.next() {
                    ids += batch.deliveries.compactMap(\.messageID)
                    await consumer.acknowledge(batch)
                }
                await consumer.close()
                return ids
            }
            let found = try await contract(stage)
            await publisher.close()
            #expect(found == notes, "RabbitMQ")
        }
    }

    private static func play(
        _ contract: @escaping @Sendable (PublishStage) async throws -> [String], _ countMax: Int?,
        _ world: SimulatedWorld
    ) async throws -> [String] {
        let exchange = ModelExchange(countMax: countMax ?? .max) { $0 != "nowhere" }
        let publisher = ModelPublisher(world, exchange, faultCount: 0)
        let stage = PublishStage(publisher: publisher, queue: "queue", nowhere: "nowhere") { _ in exchange.stored }
        return try await withThrowingTaskGroup(of: [String]?.self) { group in
            group.addTask {
                await publisher.work()
                return nil
            }
            group.addTask { try await contract(stage) }
            let notes = try await group.next()
            group.cancelAll()
            return notes.flatMap(\.self) ?? []
        }
    }
}

struct PublishStage: Sendable {
    let publisher: any MessagePublisher
    let queue: String
    /// A routing key without a queue.
    let nowhere: String
    /// What the queue has: so many messages.
    let stored: @Sendable (Int) async throws -> [String]

    func message(_ id: String) -> OutgoingMessage { message(id, to: queue) }
    func lost(_ id: String) -> OutgoingMessage { message(id, to: nowhere) }

    func publish(_ messages: [OutgoingMessage]) async -> String {
        await publisher.publish(messages, deadline: .seconds(20)).map { outcome in
            if case .returned(let code, _) = outcome { "returned \(code)" } else { "\(outcome)" }
        }.joined(separator: ", ")
    }

    private func message(_ id: String, to routingKey: String) -> OutgoingMessage {
        OutgoingMessage(exchange: "", routingKey: routingKey, body: [1], messageID: id, contentType: "text/plain")
    }
}
