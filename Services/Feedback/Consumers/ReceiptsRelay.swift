import Events
import FoundationEssentials
import Logging
import Observability
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle

/// Brings receipts to their publishers' queues: at least once, and apart from everything else. Replicas share the work
/// by claims, so none of them holds a transaction open while it waits for the broker.
struct ReceiptsRelay<Publisher: MessagePublisher>: Service {
    private static var batchCountMax: Int { 100 }
    /// So long the receipts of a process that was killed in the middle wait for another. Those of a slow one may be
    /// sent twice (0009).
    private static var claimSeconds: Int { 15 }
    private static var publishDeadline: Duration { .seconds(10) }
    /// How long a queue that does not take its receipts is left alone.
    private static var postponeSeconds: Int { 10 }
    private static var pollInterval: Duration { .milliseconds(500) }
    private static var keptDays: Int { 7 }
    private static var expireInterval: Duration { .seconds(600) }

    let pool: PostgresPool
    let publisher: Publisher
    let wakeUp: RelayWakeUp
    let logger: Logger

    func run() async throws {
        // Ends at the graceful shutdown by cancellation, which is then no error.
        try? await cancelWhenGracefulShutdown {
            var pause = Duration.milliseconds(100)
            var expiresAt = ContinuousClock.now
            while !Task.isCancelled {
                do {
                    if ContinuousClock.now >= expiresAt {
                        try await expire()
                        expiresAt = ContinuousClock.now + Self.expireInterval
                    }
                    if try await relay() == 0 { await wakeUp.wait(atMost: Self.pollInterval) }
                    pause = .milliseconds(100)
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("receipts wait", error: error)
                    try await Task.sleep(for: pause * Double.random(in: 0.5...1))
                    pause = min(pause * 2, .seconds(10))
                }
            }
        }
    }

    /// Sends what is due, oldest first.
    /// - Returns: the number of messages that the broker took.
    func relay() async throws -> Int {
        let messages = try await ReceiptsOutbox.claim(
            limit: Self.batchCountMax, seconds: Self.claimSeconds, in: pool)
        guard !messages.isEmpty else { return 0 }
        let outcomes = await publisher.publish(messages.map(Self.outgoing), deadline: Self.publishDeadline)
        var confirmed: [Int64] = []
        var left: [Int64] = []
        for (message, outcome) in zip(messages, outcomes) {
            if outcome == .confirmed { confirmed.append(message.position) } else { left.append(message.position) }
        }
        if !confirmed.isEmpty { try await ReceiptsOutbox.delete(confirmed, in: pool) }
        if !left.isEmpty {
            logger.warning("receipts were not taken", metadata: [LogKeys.count: "\(left.count)"])
            try await ReceiptsOutbox.postpone(left, seconds: Self.postponeSeconds, in: pool)
        }
        return confirmed.count
    }

    private func expire() async throws(PostgresError) {
        let count = try await ReceiptsOutbox.expire(days: Self.keptDays, in: pool)
        if count > 0 { logger.error("receipts that no queue took were dropped", metadata: [LogKeys.count: "\(count)"]) }
    }

    private static func outgoing(_ message: ReceiptsMessage) -> OutgoingMessage {
        OutgoingMessage(
            // The default exchange routes by the queue's name; a missing queue is returned and the receipts wait.
            exchange: "", routingKey: FeedbackSubmission.receiptsQueue(of: message.publisher), body: message.body,
            messageID: message.id.lowercase, type: FeedbackSubmission.receipts,
            contentType: EventEnvelope.contentType, appID: EventOwner.feedback.source)
    }
}
