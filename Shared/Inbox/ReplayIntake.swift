package import Logging
import Observability
package import RabbitMQ
import ServiceLifecycle
import Synchronization

/// Takes in what a replay has sent, through the ordinary inbox: what is here already is a duplicate, and what was lost
/// is applied. Ends by itself when the queue has been empty for a while.
package struct ReplayIntake: Sendable {
    package struct Outcome: Sendable {
        package let messageCount: Int
        package let figures: InboxTally.Figures
    }

    private final class Activity: Sendable {
        private struct State {
            var messageCount = 0
            var isWorking = false
            var lastAt = ContinuousClock.now
        }
        private let state = Mutex(State())

        var messageCount: Int { state.withLock { $0.messageCount } }
        func began() { state.withLock { $0.isWorking = true } }
        func ended(_ count: Int) {
            state.withLock { $0 = State(messageCount: $0.messageCount + count, isWorking: false) }
        }
        func isIdle(for time: Duration) -> Bool {
            state.withLock { !$0.isWorking && $0.lastAt.duration(to: .now) >= time }
        }
    }

    private static let lookInterval = Duration.milliseconds(250)
    private static let failureCountMax = 10

    private let processor: InboxProcessor
    private let consumer: RabbitConsumer
    private let queue: String
    private let idleTime: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - consumer: of `queue`.
    ///   - idleTime: how long the queue must have been empty.
    package init(
        processor: InboxProcessor, consumer: RabbitConsumer, queue: String, idleTime: Duration, logger: Logger
    ) {
        self.processor = processor
        self.consumer = consumer
        self.queue = queue
        self.idleTime = idleTime
        self.logger = logger
    }

    /// - Parameters:
    ///   - administrator: tells how much is left.
    ///   - report: called with the number of messages so far.
    /// - Throws: when the queue does not exist, or when batches fail again and again; what is not applied stays in the
    ///   queue.
    package func run(
        _ administrator: RabbitAdministrator, report: @escaping @Sendable (Int) -> Void
    ) async throws -> Outcome {
        let activity = Activity()
        _ = try await administrator.messageCount(queue: queue)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await work(activity, report: report) }
            group.addTask { try await watch(activity, administrator) }
            defer { group.cancelAll() }
            // The watch ends first and drains; the worker then finds no more batches.
            do { try await group.waitForAll() } catch {
                group.cancelAll()
                await consumer.close()
                throw error
            }
        }
        return Outcome(messageCount: activity.messageCount, figures: processor.tally)
    }

    private func work(_ activity: Activity, report: @Sendable (Int) -> Void) async throws {
        var failureCount = 0
        while let batch = try await consumer.next() {
            activity.began()
            do {
                try await processor.process(batch)
                await consumer.acknowledge(batch)
                failureCount = 0
                activity.ended(batch.count)
                report(activity.messageCount)
            } catch {
                activity.ended(0)
                failureCount += 1
                guard failureCount < Self.failureCountMax, !Task.isCancelled else { throw error }
                logger.warning("a batch goes back to the queue", metadata: [LogKeys.count: "\(batch.count)"])
                await consumer.abandon(batch)
            }
        }
    }

    private func watch(_ activity: Activity, _ administrator: RabbitAdministrator) async throws {
        while true {
            try await Task.sleep(for: Self.lookInterval)
            guard activity.isIdle(for: idleTime) else { continue }
            guard try await administrator.messageCount(queue: queue) == 0, activity.isIdle(for: idleTime) else {
                continue
            }
            return await consumer.drain()
        }
    }
}
