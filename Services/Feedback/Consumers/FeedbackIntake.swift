import Events
import FeedbackDomain
import Logging
import Observability
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import ServiceRuntime

/// Takes in what one outside publisher sends. Nothing that it sends can stop the intake or hold up the queue: every
/// message ends as a response, a duplicate, a waiting event or a quarantined copy, and each gets a receipt.
struct FeedbackIntake: Service {
    /// While one is committed the next is judged.
    private static let batchCountAtOnce = 2
    /// Those, and one that is read meanwhile.
    static let batchCountInFlight = batchCountAtOnce + 1

    let publisher: String
    let consumer: RabbitConsumer
    let intake: IntakeStore
    /// There are events to relay and receipts to send.
    let wakeUps: [RelayWakeUp]
    let logger: Logger
    let novelty = Novelty()

    private var metrics: IntakeMetrics { IntakeMetrics(publisher: publisher, door: .amqp) }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // A cancelled wait drains all the same.
                try? await gracefulShutdown()
                await consumer.drain()
            }
            group.addTask {
                try await follow()
            }
            defer { group.cancelAll() }
            // The loop ends when the consumer is drained, so the first to end is whichever; both are waited for.
            while let _ = try await group.next() {}
        }
    }

    /// Batches are read one after the other and settled side by side; each begins once the one before it has its
    /// experiments. One with corrections begins once all before it have ended, and none begins before it has: what is
    /// corrected need not be under the experiment that the correction names.
    private func follow() async throws {
        try await withThrowingTaskGroup(of: Duration.self) { group in
            var count = 0
            var previous = Turn()
            previous.begin()
            var ends: [Turn] = []
            while let batch = try await consumer.next() {
                let messages = read(batch)
                if count == Self.batchCountAtOnce {
                    try? await sleep(try await group.next() ?? .zero)
                    count -= 1
                }
                let (turn, end) = (Turn(), Turn())
                let isAlone = messages.referToOthers
                let awaited = isAlone ? ends : [previous]
                group.addTask {
                    defer {
                        turn.begin()
                        end.begin()
                    }
                    for other in awaited { await other.wait() }
                    return await take(batch, messages) { if !isAlone { turn.begin() } }
                }
                previous = turn
                ends = ends.suffix(Self.batchCountAtOnce - 1) + [end]
                count += 1
            }
        }
    }

    /// Takes a batch in and acknowledges it; it comes back whole when that is not possible before we stop.
    /// - Returns: for how long the publisher should be left alone now.
    private func take(
        _ batch: DeliveryBatch, _ messages: [InboundMessage], whenLocked: @escaping @Sendable () -> Void
    ) async -> Duration {
        let started = ContinuousClock.now
        do {
            let tally = try await settle(
                messages, takenForNew: novelty.isExpected(of: batch), whenLocked: whenLocked)
            novelty.note(tally)
            await consumer.acknowledge(batch)
            let took = ContinuousClock.now - started
            metrics.settled(tally, duration: took)
            for wakeUp in wakeUps { wakeUp.signal() }
            return Self.pause(after: tally, batchCount: batch.count, took: took)
        } catch {
            logger.notice("a batch goes back to the queue", metadata: [LogKeys.count: "\(batch.count)"])
            await consumer.abandon(batch)
            return .zero
        }
    }

    private func read(_ batch: DeliveryBatch) -> [InboundMessage] {
        let now = intake.clock.now()
        return batch.deliveries.indices.map { index in
            OutsideMessage(batch.deliveries[index], body: Array(batch.body(index)))
                .read(by: intake.reader, publisher: publisher, clockAt: now)
        }
    }

    /// A publisher that sends nonsense gets about a third of the time that it asks for: its neighbours share the
    /// machine. What it sends meanwhile waits in its own queue, up to its quota.
    /// - Parameter took: what the batch needed.
    static func pause(after tally: IntakeTally, batchCount: Int, took: Duration) -> Duration {
        tally.refused * 2 > batchCount ? min(took * 3, .seconds(1)) : .zero
    }

    /// Retries for as long as the database is away. Whatever else a batch makes fail is searched by halving: the
    /// message at fault is quarantined, the others are counted.
    /// - Throws: `CancellationError` only.
    func settle(
        _ messages: [InboundMessage], takenForNew areNew: Bool = true,
        whenLocked: @escaping @Sendable () -> Void = {}
    ) async throws(CancellationError) -> IntakeTally {
        var pause = Duration.milliseconds(50)
        while true {
            do {
                return try await intake.settle(messages, takenForNew: areNew, whenLocked: whenLocked)
            } catch {
                switch IntakeFailure(error) {
                case .stop: throw CancellationError()
                case .outage:
                    metrics.failed()
                    logger.warning("the intake waits for the database", error: error)
                    try await sleep(pause * Double.random(in: 0.5...1))
                    pause = min(pause * 2, .seconds(5))
                case .messages:
                    return try await search(messages, for: error)
                }
            }
        }
    }

    private func search(
        _ messages: [InboundMessage], for error: any Error
    ) async throws(CancellationError) -> IntakeTally {
        if let message = messages.first, messages.count == 1 {
            if case .failure(let refusal) = message.content, refusal.reason == .internalError {
                // Not even the quarantine takes it. It stays in the queue, and an alarm says so.
                metrics.failed()
                logger.critical("a message can be neither taken in nor quarantined", error: error)
                try await sleep(.seconds(5))
                return try await settle(messages)
            }
            metrics.poisoned()
            logger.error("a message makes the database fail and is quarantined", error: error)
            return try await settle([message.poisoned])
        }
        let middle = messages.count / 2
        var tally = try await settle(Array(messages[..<middle]), takenForNew: false)
        tally += try await settle(Array(messages[middle...]), takenForNew: false)
        return tally
    }

    private func sleep(_ duration: Duration) async throws(CancellationError) {
        do { try await Task.sleep(for: duration) } catch { throw CancellationError() }
    }
}

extension OutsideMessage {
    init(_ delivery: Delivery, body: [UInt8]) {
        self.init(
            body: body, contentType: delivery.contentType,
            fields: delivery.headers.compactMap { name, value in value.text.map { (name, $0) } },
            headersAreMalformed: Self.headersAreMalformed(delivery))
    }

    /// Headers here have plain values. A table or a list is an attempt to steer the broker (`CC`, `BCC`) or to choke a
    /// reader; what brokers and their bridges add themselves begins with `x-`.
    static func headersAreMalformed(_ delivery: Delivery) -> Bool {
        delivery.headersAreMalformed || delivery.headers.contains { $1 == .nested && !$0.hasPrefix("x-") }
    }
}

extension HeaderValue {
    /// nil for what is no plain value.
    fileprivate var text: String? {
        switch self {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let flag): String(flag)
        case .nested, .other: nil
        }
    }
}
