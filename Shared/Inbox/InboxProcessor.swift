import Events
import FoundationEssentials
package import Logging
import Observability
package import Outbox
package import Postgres
package import RabbitMQ

/// Applies batches of messages: receipt, effect and outgoing events of an event commit in one transaction, so that
/// each takes effect once however often it is delivered.
package struct InboxProcessor: Sendable {
    private let pool: PostgresPool
    private let handlers: HandlerTable
    private let wakeUp: RelayWakeUp?
    private let settings: InboxSettings
    private let persistence: Persistence
    private let metrics = InboxMetrics()
    private let logger: Logger

    /// - Parameters:
    ///   - handlers: one per event type.
    ///   - wakeUp: signalled after each batch, because handlers append events.
    package init(
        pool: PostgresPool, handlers: [EventHandler], wakeUp: RelayWakeUp? = nil,
        settings: InboxSettings = InboxSettings(), logger: Logger
    ) {
        self.pool = pool
        self.handlers = HandlerTable(handlers)
        self.wakeUp = wakeUp
        self.settings = settings
        persistence = Persistence(settings: settings, metrics: metrics)
        self.logger = logger
    }

    /// Applies, parks or buries every message of the batch.
    /// - Throws: when some of it is not settled: it must be delivered again. What is settled will be recognised then.
    package func process(_ batch: DeliveryBatch) async throws {
        try await process(takeApart(batch))
    }

    /// What needs no database.
    func takeApart(_ batch: DeliveryBatch) -> BatchContents { BatchContents(batch, handlers) }

    func process(_ contents: BatchContents) async throws {
        defer { wakeUp?.signal() }
        for (source, failure) in contents.undecodable { try await bury(source, failure) }
        try await settle(contents.messages[...])
        metrics.repeats(contents.repeatCount)
    }

    /// Puts what the broker gave up on among the dead letters, each message once. An event that was received in another
    /// way meanwhile is only counted.
    /// - Throws: when some of it is not kept: it must be delivered again.
    package func keep(_ batch: DeliveryBatch) async throws {
        for (index, delivery) in batch.deliveries.enumerated() {
            let source = MessageSource(dead: delivery, body: Array(batch.body(index)))
            let event: InboundEvent
            do throws(PermanentFailure) {
                event = try BatchContents.event(source)
            } catch {
                try await bury(source, PermanentFailure(source.death, problem: error.reason))
                continue
            }
            let message = InboundMessage(event: event, source: source, isSequenced: handlers.isSequenced(event))
            try await bury(message, PermanentFailure(source.death))
        }
    }

    /// Keeps messages of strangers, whatever they claim to be: an identity that they took from an event of ours must
    /// not stand for it.
    package func keepStrange(_ batch: DeliveryBatch) async throws {
        for (index, delivery) in batch.deliveries.enumerated() {
            let source = MessageSource(dead: delivery, body: Array(batch.body(index)))
            let cause = PermanentFailure(source.death).reason
            try await bury(source, PermanentFailure(class: PermanentFailure.outsideClass, reason: cause))
        }
    }

    /// Tries the parked events that are due.
    /// - Returns: the number of subjects and events that were tried.
    @discardableResult
    package func sweep() async throws -> Int {
        let sweep = ParkedSweep(pool: pool, handlers: handlers, metrics: metrics)
        let count = try await sweep.run { id, failure in _ = try await buryParked(id, failure) }
        if count > 0 { wakeUp?.signal() }
        return count
    }

    /// Refreshes the gauges.
    package func reportBacklog() async throws {
        metrics.record(try await ParkedSweep(pool: pool, handlers: handlers, metrics: metrics).backlog())
        metrics.record(openDeadLetters: try await DeadLetterShelf(pool).openCounts())
    }

    // MARK: Settling

    private func settle(_ messages: ArraySlice<InboundMessage>) async throws {
        guard !messages.isEmpty else { return }
        do {
            metrics.record(try await persistence.run { try await apply(messages) })
        } catch {
            switch FailureKind(error) {
            case .stop, .outage: throw error
            case .conflict: try await settleConflict(messages, error)
            case .permanent:
                try await isolate(messages, error as? HandlerFailure ?? HandlerFailure(eventID: nil, error: error))
            }
        }
    }

    /// Runs the transaction. When nobody knows whether it was committed, its new receipts tell. All of them must be
    /// there: a single one could be another replica's, which got a copy of the message and applied or buried it, while
    /// our transaction was undone. When one is missing (yet), running it again is safe, because the receipts decide.
    private func apply(_ messages: ArraySlice<InboundMessage>) async throws -> InboxEffects {
        var fresh: Set<UUID> = []
        var effects = InboxEffects()
        do {
            return try await pool.withTransaction { transaction in
                var work = InboxTransaction(transaction, handlers)
                effects = try await work.apply(messages) { fresh = $0 }
                return effects
            }
        } catch let error as PostgresError where error.code == .commitUnknown {
            guard try await areReceived(fresh) else { throw error }
            return effects
        }
    }

    private func areReceived(_ ids: Set<UUID>) async throws -> Bool {
        try await pool.query("select from inbox where id = any(\(Array(ids)))").count == ids.count
    }

    /// Transactions that never win, for a lock that somebody holds or a statement that takes too long.
    private func settleConflict(_ messages: ArraySlice<InboundMessage>, _ error: any Error) async throws {
        guard messages.count == 1, let message = messages.first else {
            guard Self.wasDelivered(messages) else { throw error }
            return try await settleSingly(messages)
        }
        guard message.source.deliveryNumber > settings.conflictDeliveryCountMax else { throw error }
        let reason = (error as? PostgresError)?.description ?? "the transaction never won"
        try await bury(message, PermanentFailure(class: "conflict", reason: reason))
    }

    /// Finds the event at fault, so that the others of its batch take effect.
    private func isolate(_ messages: ArraySlice<InboundMessage>, _ failure: HandlerFailure) async throws {
        if messages.count == 1, let message = messages.first, failure.eventID ?? message.event.id == message.event.id {
            return try await bury(message, failure.permanent)
        }
        if let id = failure.eventID {
            guard let index = messages.firstIndex(where: { $0.event.id == id }) else {
                // One of the messages set a parked event free, and that one failed.
                guard try await buryParked(id, failure.permanent) else { throw failure.error }
                return try await settle(messages)
            }
            try await settle(messages[..<index])
            try await settle(messages[index...index])
            return try await settle(messages[(index + 1)...])
        }
        guard !Self.wasDelivered(messages) else { return try await settleSingly(messages) }
        let middle = messages.startIndex + messages.count / 2
        try await settle(messages[..<middle])
        try await settle(messages[middle...])
    }

    /// Each message in a transaction of its own. Those that can be settled are, before the first error is thrown.
    private func settleSingly(_ messages: ArraySlice<InboundMessage>) async throws {
        var first: (any Error)?
        for index in messages.indices {
            do {
                try await settle(messages[index...index])
            } catch {
                guard FailureKind(error) != .stop else { throw error }
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    /// Whether one of the messages was delivered before: then one of them may be what ended the process or the channel.
    private static func wasDelivered(_ messages: ArraySlice<InboundMessage>) -> Bool {
        messages.contains { $0.source.deliveryNumber > 1 }
    }

    // MARK: Dead letters

    private func bury(_ message: InboundMessage, _ failure: PermanentFailure) async throws {
        let isNew = try await persistence.run {
            try await pool.withTransaction { try await DeadLetterStore($0).bury(message, failure) }
        }
        guard isNew else { return metrics.repeats(1) }
        report(failure, message.event.id.lowercase, message.event.type)
    }

    private func bury(_ source: MessageSource, _ failure: PermanentFailure) async throws {
        let isNew = try await persistence.run {
            try await pool.withTransaction { try await DeadLetterStore($0).bury(source, failure) }
        }
        guard isNew else { return metrics.repeats(1) }
        report(failure, source.messageID ?? "", "")
    }

    private func buryParked(_ id: UUID, _ failure: PermanentFailure) async throws -> Bool {
        let key = try await persistence.run {
            try await pool.withTransaction { try await DeadLetterStore($0).buryParked(id, failure) }
        }
        if key != nil { report(failure, id.lowercase, "") }
        return key != nil
    }

    private func report(_ failure: PermanentFailure, _ messageID: String, _ type: String) {
        metrics.buried(class: failure.class)
        logger.error(
            "a message lies among the dead letters",
            metadata: [
                LogKeys.eventID: "\(messageID)", LogKeys.eventType: "\(type)", LogKeys.slug: "\(failure.class)",
                LogKeys.reason: "\(failure.reason)",
            ])
    }
}
