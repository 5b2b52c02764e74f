@testable import RabbitMQ

/// A replica's end of a channel, with the real consumer's ledger of what may be acknowledged.
actor ModelConsumer<Message: Sendable> {
    struct Batch: Sendable {
        let deliveries: [ModelQueue<Message>.Delivery]
        let generation: Int
        let number: Int
        let lastTag: UInt64
    }

    private let queue: ModelQueue<Message>
    private let prefetch: Int
    /// A mistake that only a test makes: a batch is acknowledged with all tags before it.
    private let isHasty: Bool
    private var channel: Int
    private var generation = 0
    private var ledger = AcknowledgementLedger()

    init(_ queue: ModelQueue<Message>, prefetch: Int, isHasty: Bool = false) {
        self.queue = queue
        self.prefetch = prefetch
        self.isHasty = isHasty
        channel = queue.open()
    }

    func next(atMost count: Int) -> Batch? {
        let deliveries = queue.deliver(count, on: channel, prefetch: prefetch)
        guard let lastTag = deliveries.last?.tag else { return nil }
        let number = ledger.nextNumber
        ledger.seal(lastTag: lastTag)
        ledger.hand(number)
        return Batch(deliveries: deliveries, generation: generation, number: number, lastTag: lastTag)
    }

    func acknowledge(_ batch: Batch) {
        guard batch.generation == generation else { return }
        let tag = ledger.finish(batch.number)
        if let tag = isHasty ? batch.lastTag : tag { queue.acknowledge(upTo: tag, on: channel) }
    }

    func abandon(_ batch: Batch) {
        guard batch.generation == generation else { return }
        renew()
    }

    /// The channel ends, and everything that is not acknowledged goes back.
    func renew() {
        queue.close(channel)
        generation += 1
        ledger = AcknowledgementLedger()
        channel = queue.open()
    }
}
