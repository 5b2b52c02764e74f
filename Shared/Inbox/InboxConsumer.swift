package import Events
package import Logging
import Observability
package import Outbox
package import Postgres
package import RabbitMQ
import ServiceLifecycle

/// A service's ear: workers that take batches from its queue, apply them and acknowledge them after the commit, and
/// the sweep over parked events. Any number of replicas may run one on the same queue.
package struct InboxConsumer: Service {
    /// Between sweeps while the database fails.
    private static let failureInterval = Duration.seconds(5)

    private let listener: EventOwner
    private let consumer: RabbitConsumer
    private let processor: InboxProcessor
    private let workerCount: Int
    private let settings: InboxSettings
    private let logger: Logger
    private let completeness: Completeness
    private let completenessMetrics = CompletenessMetrics()
    private let progress = InboxProgress()

    /// - Parameters:
    ///   - consumer: of the listener's queue; for `workers` above 1, with as many batches in flight and one more.
    ///   - wakeUp: of this process's relay, because handlers append events.
    package init(
        listener: EventOwner, pool: PostgresPool, consumer: RabbitConsumer, handlers: [EventHandler], workers: Int = 1,
        wakeUp: RelayWakeUp? = nil, settings: InboxSettings = InboxSettings(), logger: Logger
    ) {
        self.listener = listener
        self.consumer = consumer
        self.settings = settings
        self.logger = logger
        workerCount = max(1, workers)
        completeness = Completeness(listener: listener, pool: pool, holeAge: settings.holeAge)
        processor = InboxProcessor(
            listener: listener, pool: pool, handlers: handlers, wakeUp: wakeUp, settings: settings, logger: logger)
    }

    /// The same path without a broker.
    package func process(_ batch: DeliveryBatch) async throws {
        try await processor.process(batch)
    }

    /// Runs until the graceful shutdown, where it finishes and acknowledges what it holds, or until the task is
    /// cancelled.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<workerCount { group.addTask { await work() } }
            group.addTask { await sweep() }
            group.addTask {
                // Throws when the task is cancelled; both ways the queue gets back what nobody works on.
                try? await gracefulShutdown()
                await consumer.drain()
            }
        }
    }

    private func work() async {
        var next = await receive()
        while let (batch, contents) = next {
            // The next batch is taken apart while this one is in the database: on two processors that is half as fast
            // again.
            async let following = receive()
            progress.began()
            do {
                try await processor.process(contents)
                progress.ended()
                await consumer.acknowledge(batch)
                next = await following
            } catch {
                progress.failed()
                logger.warning(
                    "a batch goes back to the queue",
                    metadata: [
                        LogKeys.queue: "\(EventCatalogue.queue(of: listener))", LogKeys.count: "\(batch.count)",
                        LogKeys.error: "\(describe(error))",
                    ])
                await consumer.abandon(batch)
                // What was received before that came through the same channel and comes again.
                next = await following
                if let stale = next, await !consumer.isCurrent(stale.batch) { next = await receive() }
            }
        }
    }

    private func receive() async -> (batch: DeliveryBatch, contents: BatchContents)? {
        guard let batch = await nextBatch() else { return nil }
        return (batch, processor.takeApart(batch))
    }

    /// nil when the consumer drains or the task is cancelled.
    private func nextBatch() async -> DeliveryBatch? {
        do { return try await consumer.next() } catch { return nil }
    }

    private func sweep() async {
        var reportAt = ContinuousClock.now
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            var interval = settings.sweepInterval
            do {
                completenessMetrics.stalled(progress.stalled)
                try await processor.sweep()
                if .now >= reportAt {
                    reportAt = .now + settings.reportInterval
                    try await completeness.compact()
                    completenessMetrics.record(try await completeness.report())
                    try await processor.reportDeadLetters()
                }
            } catch {
                interval = Self.failureInterval
                logger.warning(
                    "parked events were not looked after", metadata: [LogKeys.error: "\(describe(error))"])
            }
            try? await cancelWhenGracefulShutdown { [interval] in try await Task.sleep(for: interval) }
        }
    }
}
