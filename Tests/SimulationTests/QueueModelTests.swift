import Events
import RabbitMQ
import TestSupport
import Testing

/// What the consumers' rules rest on, asked of RabbitMQ and of the model that stands for it in simulations.
@Suite(.timeLimit(.minutes(10))) struct QueueModelTests {
    @Test func limitOfTwoMeansThreeDeliveries() async throws {
        try await expect(["m1 0", "m1 1", "m1 2", "m2 0"], limit: 2) { stage, notes in
            try await stage.publish(["m1"])
            for _ in 0..<3 {
                let consumer = await stage.open()
                notes.add(try await consumer.next().description)
                await consumer.close()
            }
            try await stage.publish(["m2"])
            let consumer = await stage.open()
            notes.add(try await consumer.next().description)
            await consumer.close()
        }
    }

    @Test func whatWasNotAcknowledgedComesBackInItsOrder() async throws {
        try await expect(["m1 1", "m2 1", "m3 1"], limit: 9) { stage, notes in
            try await stage.publish(["m1", "m2", "m3"])
            let first = await stage.open()
            for _ in 0..<3 { _ = try await first.next() }
            await first.close()
            let second = await stage.open()
            for _ in 0..<3 { notes.add(try await second.next().description) }
            await second.close()
        }
    }

    /// Only a single message that is given back on an open channel goes behind the others then; consumers do not do so.
    @Test func withoutALimitTooItComesBackInFront() async throws {
        try await expect(["m1 0", "m1 1", "m2 0", "m3 0"], limit: nil) { stage, notes in
            try await stage.publish(["m1", "m2", "m3"])
            let first = await stage.open(prefetch: 1)
            notes.add(try await first.next().description)
            await first.close()
            let second = await stage.open()
            for _ in 0..<3 { notes.add(try await second.next().description) }
            await second.close()
        }
    }

    @Test func acknowledgementCoversTheFinishedRunAndNoMore() async throws {
        try await expect(["m1 1", "m2 1", "m3 1", "m3 2"], limit: 9) { stage, notes in
            try await stage.publish(["m1", "m2", "m3"])
            // given: the second is done with, the first is not
            let first = await stage.open()
            let batches = [try await first.next(), try await first.next(), try await first.next()]
            await batches[1].acknowledge()
            await first.close()
            // when: all three are back, and the first two are done with, the wrong way round
            let second = await stage.open()
            var again: [ContractBatch] = []
            for _ in 0..<3 { again.append(try await second.next()) }
            for batch in again { notes.add(batch.description) }
            await again[1].acknowledge()
            await again[0].acknowledge()
            await second.close()
            let third = await stage.open()
            notes.add(try await third.next().description)
            await third.close()
        }
    }

    private func expect(
        _ lines: [String], limit: Int?, of contract: @Sendable @escaping (any QueueStage, Notes) async throws -> Void
    ) async throws {
        let world = SimulatedWorld(seed: 1)
        let model = ModelStage(queue: ModelQueue(deliveryLimit: limit))
        let found = try world.play {
            let notes = Notes()
            try await contract(model, notes)
            return notes.all
        }
        #expect(found == lines, "the model")
        try await withBroker { configuration, name in
            let queue = name("contract")
            try await TestBroker.administer(configuration) { administrator in
                let limits = limit.map { [("x-delivery-limit", HeaderValue.int(Int64($0)))] } ?? []
                try await administrator.declareQueue(
                    queue, arguments: [("x-queue-type", .string("quorum"))] + limits)
            }
            let notes = Notes()
            try await contract(RabbitStage(configuration: configuration, queue: queue), notes)
            #expect(notes.all == lines, "RabbitMQ")
        }
    }
}

/// One message.
struct ContractBatch: Sendable, CustomStringConvertible {
    /// Its id, and how often it was delivered before.
    let description: String
    let acknowledge: @Sendable () async -> Void
}

protocol ContractConsumer: Sendable {
    func next() async throws -> ContractBatch
    func close() async
}

protocol QueueStage: Sendable {
    func publish(_ ids: [String]) async throws
    /// - Parameter prefetch: how many messages it reads ahead.
    func open(prefetch: Int) async -> any ContractConsumer
}

extension QueueStage {
    func open() async -> any ContractConsumer { await open(prefetch: 3) }
}

private struct NothingCame: Error {}

private struct ModelStage: QueueStage {
    let queue: ModelQueue<String>

    func publish(_ ids: [String]) { for id in ids { queue.publish(id) } }
    func open(prefetch: Int) -> any ContractConsumer { ModelConsumer(queue, prefetch: prefetch) }
}

extension ModelConsumer: ContractConsumer where Message == String {
    func next() async throws -> ContractBatch {
        guard let batch = next(atMost: 1), let delivery = batch.deliveries.first else { throw NothingCame() }
        return ContractBatch(description: "\(delivery.message) \(delivery.deliveryCount)") {
            await self.acknowledge(batch)
        }
    }

    func close() { renew() }
}

private struct RabbitStage: QueueStage {
    let configuration: RabbitMQConfiguration
    let queue: String

    func publish(_ ids: [String]) async throws {
        let publisher = RabbitPublisher(configuration: configuration, logger: TestBroker.quietLogger)
        let messages = ids.map {
            OutgoingMessage(exchange: "", routingKey: queue, body: [1], messageID: $0, contentType: "text/plain")
        }
        let outcomes = await publisher.publish(messages, deadline: .seconds(20))
        await publisher.close()
        guard outcomes.allSatisfy({ $0 == .confirmed }) else { throw NothingCame() }
    }

    func open(prefetch: Int) -> any ContractConsumer {
        RabbitContractConsumer(
            consumer: RabbitConsumer(
                configuration: configuration, queue: queue, batchCountMax: 1, batchesInFlight: prefetch,
                logger: TestBroker.quietLogger))
    }
}

private struct RabbitContractConsumer: ContractConsumer {
    let consumer: RabbitConsumer

    func next() async throws -> ContractBatch {
        guard let batch = try await consumer.next(), let delivery = batch.deliveries.first else { throw NothingCame() }
        return ContractBatch(description: "\(delivery.messageID ?? "") \(delivery.deliveryCount)") {
            await consumer.acknowledge(batch)
        }
    }

    func close() async { await consumer.close() }
}
