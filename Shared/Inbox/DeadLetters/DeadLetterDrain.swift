package import Events
package import Logging
import Observability
package import Postgres
package import RabbitMQ
import ServiceLifecycle

/// Empties a queue into which the broker puts what it gave up on: each message is acknowledged once it is kept.
///
/// The queue is the last net, so nothing here gives up: a batch that cannot be kept goes back and comes again, more and
/// more slowly. Any number of replicas may drain one queue.
package struct DeadLetterDrain: Service {
    /// Few at a time: a dead letter of an outsider may be as long as the broker allows, and nobody waits for these.
    package static let batchCountMax = 20

    private let queue: String
    private let consumer: RabbitConsumer
    private let logger: Logger
    private let keep: @Sendable (DeliveryBatch) async throws -> Void

    /// - Parameter keep: stores all of a batch, also when it saw some of it before.
    package init(
        queue: String, consumer: RabbitConsumer, logger: Logger,
        keep: @escaping @Sendable (DeliveryBatch) async throws -> Void
    ) {
        self.queue = queue
        self.consumer = consumer
        self.logger = logger
        self.keep = keep
    }

    /// Of a service's own queue, into its table of dead letters.
    /// - Parameter handlers: they say which nouns are applied in sequence.
    package init(
        listener: EventOwner, pool: PostgresPool, broker: RabbitMQConfiguration, handlers: [EventHandler],
        logger: Logger
    ) {
        let queue = EventCatalogue.deadQueue(of: listener)
        let processor = InboxProcessor(pool: pool, handlers: handlers, logger: logger)
        self.init(queue: queue, consumer: Self.consumer(broker, queue, logger), logger: logger) { batch in
            try await processor.keep(batch)
        }
    }

    /// A consumer that fits a drain.
    package static func consumer(
        _ broker: RabbitMQConfiguration, _ queue: String, _ logger: Logger
    ) -> RabbitConsumer {
        RabbitConsumer(
            configuration: broker, queue: queue, batchCountMax: batchCountMax, batchesInFlight: 1, logger: logger)
    }

    /// Runs until the graceful shutdown, where it finishes what it holds, or until the task is cancelled.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await work() }
            group.addTask {
                // Throws when the task is cancelled; both ways the queue gets back what nobody works on.
                try? await gracefulShutdown()
                await consumer.drain()
            }
        }
    }

    private func work() async {
        while let batch = await nextBatch() {
            do {
                try await keep(batch)
                await consumer.acknowledge(batch)
            } catch {
                logger.error(
                    "dead letters go back to their queue",
                    metadata: [
                        LogKeys.queue: "\(queue)", LogKeys.count: "\(batch.count)",
                        LogKeys.error: "\(describe(error))",
                    ])
                await consumer.abandon(batch)
            }
        }
    }

    /// nil when the consumer drains or the task is cancelled.
    private func nextBatch() async -> DeliveryBatch? {
        do { return try await consumer.next() } catch { return nil }
    }
}

extension PermanentFailure {
    /// Why the broker gave up on a message.
    /// - Parameter problem: what else is known to be wrong with it.
    init(_ death: DeathRecord?, problem: String? = nil) {
        // A fixed set, because the class becomes a label of a metric.
        let slug =
            switch death?.reason {
            case "delivery_limit": "delivery-limit"
            case "rejected", "expired", "maxlen": death?.reason ?? ""
            default: "dead-lettered"
            }
        let cause = death.map { "\($0.reason) in \($0.queue)" } ?? "the broker names no cause"
        self.init(class: slug, reason: problem.map { "\(cause); \($0)" } ?? cause)
    }

    /// An outsider's message that nobody can be told about. Its bytes prove nothing, so it is never applied.
    static let outsideClass = "outside"
}
