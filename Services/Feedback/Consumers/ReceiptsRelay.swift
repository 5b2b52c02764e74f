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
    /// Why a round ended early.
    private struct BrokerAway: Error, CustomStringConvertible {
        let description: String
    }
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

    /// Sends what is due, oldest first. What the broker did not answer for is due again at once, so that it stays
    /// before what comes later.
    /// - Returns: the number of messages that the broker took.
    /// - Throws: when the broker is away.
    func relay() async throws -> Int {
        let messages = try await ReceiptsOutbox.claim(
            limit: Self.batchCountMax, seconds: Self.claimSeconds, in: pool)
        guard !messages.isEmpty else { return 0 }
        let outcomes = await publisher.publish(messages.map(Self.outgoing), deadline: Self.publishDeadline)
        var confirmed: [Int64] = []
        var refused: [Int64] = []
        var uncertain: [Int64] = []
        var away: BrokerAway?
        for (message, outcome) in zip(messages, outcomes) {
            switch outcome {
            case .confirmed: confirmed.append(message.position)
            case .returned, .nacked: refused.append(message.position)
            case .unknown(let reason):
                uncertain.append(message.position)
                away = BrokerAway(description: reason)
            }
        }
        if !confirmed.isEmpty { try await ReceiptsOutbox.delete(confirmed, in: pool) }
        if !refused.isEmpty {
            logger.warning("receipts were not taken", metadata: [LogKeys.count: "\(refused.count)"])
            try await ReceiptsOutbox.postpone(refused, seconds: Self.postponeSeconds, in: pool)
        }
        // No queue is at fault: the next round takes them first, before anything that was written since.
        if !uncertain.isEmpty { try await ReceiptsOutbox.postpone(uncertain, seconds: 0, in: pool) }
        if let away { throw away }
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
