import Logging
import Observability
import RabbitMQ
import ServiceLifecycle

/// The one active relay of a schema, for as long as its connection and its lock last.
///
/// Flights (publish calls) overlap with the reading of the next rows; no transaction is open while the broker works. A
/// row is deleted after its confirm and never before: a crash between the two makes a duplicate, which the inbox
/// drops.
struct RelayLeader<Store: OutboxQueue> {
    private struct Flight {
        let rows: [OutboxRow]
        let readAt: ContinuousClock.Instant
        var outcomes: [PublishOutcome]?
    }

    private enum Report: Sendable {
        case landed(number: Int, outcomes: [PublishOutcome])
        /// Something was committed, or it is time to look whether another replica did.
        case woken
    }

    private typealias Group = ThrowingTaskGroup<Report, any Error>

    /// Looks at the outbox in a row that find nothing to claim, before flights get their turn.
    private let scanCountMax = 20
    private let backlogInterval = Duration.seconds(5)

    private var store: Store
    private let publisher: any MessagePublisher
    private let wakeUp: RelayWakeUp
    private let settings: RelaySettings
    private let metrics: RelayMetrics
    private let logger: Logger
    private let time: any RelayTime
    private var progress: RelayProgress
    /// In the order of claiming; `firstFlight` is the number of the first.
    private var flights: [Flight] = []
    private var firstFlight = 0
    /// A task of the group waits for the wake-up.
    private var isListening = false
    /// It asked to stop, when it was asked last.
    private var isBrokerBlocked = false
    /// The last messages were neither confirmed nor refused.
    private var isBrokerSilent = false
    private var rescanAt: ContinuousClock.Instant
    private var backlogAt: ContinuousClock.Instant

    init(store: Store, publisher: any MessagePublisher, wakeUp: RelayWakeUp, context: RelayContext) {
        self.store = store
        self.publisher = publisher
        self.wakeUp = wakeUp
        settings = context.settings
        metrics = context.metrics
        logger = context.logger
        time = context.time
        progress = RelayProgress(time: context.time)
        (rescanAt, backlogAt) = (context.time.now, context.time.now)
    }

    /// Relays until the service group shuts down (what is claimed is finished first) or an error ends the leadership.
    mutating func lead() async throws {
        try await store.prepareSession()
        try await withThrowingTaskGroup(of: Report.self) { group in
            while true {
                try await reportBacklog()
                let isStopping = Task.isShuttingDownGracefully
                let mayLaunch = !isStopping && flights.count < settings.flightCountMax
                if mayLaunch, let rows = try await claim() {
                    launch(rows, in: &group)
                    continue
                }
                if flights.isEmpty { try await deletePublished() }
                if flights.isEmpty && isStopping { return group.cancelAll() }
                if mayLaunch { listen(in: &group) }
                switch try await group.next() {
                case .landed(let number, let outcomes): land(number, outcomes)
                case .woken: isListening = false
                case nil: return
                }
                // A cancelled wait is over at once: behind a blocked broker this would spin.
                try Task.checkCancellation()
            }
        }
    }

    /// What is committed while flights are on their way need not wait for them.
    private mutating func listen(in group: inout Group) {
        guard !isListening else { return }
        isListening = true
        let (wakeUp, time, limit) = (wakeUp, time, idleTime())
        group.addTask {
            await wakeUp.wait(atMost: limit) { try await time.sleep(for: $0) }
            return .woken
        }
    }

    private mutating func deletePublished() async throws {
        guard !progress.published.isEmpty else { return }
        try await store.delete(progress.published)
        progress.forgetPublished()
    }

    private func idleTime() -> Duration {
        // A blocked broker gets no retries either.
        guard !isBrokerBlocked, let retryAt = progress.nextRetry else { return settings.pollInterval }
        return min(settings.pollInterval, max(.milliseconds(1), time.now.duration(to: retryAt)))
    }

    // MARK: Claiming

    /// - Returns: rows to publish in their order; nil when there are none, or when the broker should not get more.
    private mutating func claim() async throws -> [OutboxRow]? {
        isBrokerBlocked = await publisher.isBlocked
        guard !isBrokerBlocked else {
            metrics.waiting(for: .brokerBlocked)
            return nil
        }
        if let rows = try await claimRetries() { return rows }
        guard !isBrokerSilent else {
            metrics.waiting(for: .brokerSilent)
            return nil
        }
        guard progress.holds.count < settings.holdCountMax else {
            metrics.waiting(for: .holds)
            return nil
        }
        metrics.waiting(for: nil)
        return try await claimNew()
    }

    private mutating func claimRetries() async throws -> [OutboxRow]? {
        let due = progress.due(at: time.now, limit: settings.batchCountMax)
        guard !due.isEmpty else { return nil }
        let queued = try await store.queued(due)
        progress.drop(Set(due).subtracting(queued))
        let rows = progress.claimRetries(try await store.rows(at: queued), now: time.now)
        return rows.isEmpty ? nil : rows
    }

    private mutating func claimNew() async throws -> [OutboxRow]? {
        if let rows = try await claimLate() { return rows }
        for _ in 0..<scanCountMax {
            guard !progress.isBehind else { return nil }
            let look = OutboxLook(
                cursor: progress.cursor, limit: settings.batchCountMax, missing: progress.missing,
                published: progress.published)
            let seen = try await store.look(look)
            progress.forgetPublished()
            progress.looked(seen.map(\.position), limit: look.limit)
            let rows = try await claim(seen)
            if !rows.isEmpty { return rows }
            if seen.count < look.limit { return nil }
        }
        return nil
    }

    /// Looks again from the floor when it is time to, and until it has come to the end.
    private mutating func claimLate() async throws -> [OutboxRow]? {
        let startedAt = time.now
        // One that is begun goes to its end first: begun anew each time, a long one would never get there.
        let isRescan = startedAt >= rescanAt && !progress.isBehind
        if isRescan { progress.beginRescan(try await store.snapshot()) }
        defer {
            // A long transaction elsewhere keeps dead rows at the index's edge and makes rescans slow: they get a
            // tenth of the time.
            if isRescan {
                let spent = startedAt.duration(to: time.now)
                rescanAt = max(rescanAt, time.now + max(settings.rescanInterval, spent * 10))
            }
        }
        for _ in 0..<scanCountMax where progress.isBehind {
            // No look deletes them meanwhile.
            if progress.published.count >= settings.batchCountMax { try await deletePublished() }
            // Most of them are those in flight.
            let limit = settings.batchCountMax + progress.claimed.count
            let found = try await store.positions(after: progress.cursor, limit: limit)
            // What is new is left to the looks, which see what is missing in it.
            let seen = found.prefix { $0 <= progress.highestCursor }
            let fresh = Array(seen.filter { !progress.claimed.contains($0) }.prefix(settings.batchCountMax))
            let isCut = fresh.count == settings.batchCountMax
            let isAll = seen.count < found.count || found.count < limit
            progress.scanned(upTo: isCut ? fresh.last : seen.last, wasComplete: isAll && !isCut)
            let rows = fresh.isEmpty ? [] : try await claim(try await store.rows(at: fresh))
            if !rows.isEmpty { return rows }
        }
        return nil
    }

    private mutating func claim(_ rows: [OutboxRow]) async throws -> [OutboxRow] {
        let unproven = progress.unproven(rows)
        var late: Set<Int64> = []
        if !unproven.isEmpty {
            let known = progress.claimed.union(rows.map(\.position))
            for predecessor in try await store.predecessors(of: unproven) where !known.contains(predecessor.at) {
                late.insert(predecessor.of)
            }
            if !late.isEmpty { rescanAt = time.now }
        }
        return progress.claim(rows, late: late, now: time.now)
    }

    // MARK: Flights

    private mutating func launch(_ rows: [OutboxRow], in group: inout Group) {
        let number = firstFlight + flights.count
        flights.append(Flight(rows: rows, readAt: time.now))
        let messages = rows.compactMap(\.message)
        let (publisher, deadline) = (publisher, settings.publishDeadline)
        // Begun here and now, up to its place in the publisher's line: a task that is only scheduled may be overtaken
        // by the next flight's, and a subject's events with it.
        group.addImmediateTask {
            .landed(number: number, outcomes: await publisher.publish(messages, deadline: deadline))
        }
    }

    /// Settles flights in the order of claiming, whichever ends first.
    private mutating func land(_ number: Int, _ outcomes: [PublishOutcome]) {
        flights[number - firstFlight].outcomes = outcomes
        while let flight = flights.first, let outcomes = flight.outcomes {
            flights.removeFirst()
            firstFlight += 1
            settle(flight, outcomes)
        }
    }

    private mutating func settle(_ flight: Flight, _ outcomes: [PublishOutcome]) {
        let hadHolds = !progress.holds.isEmpty
        let settlement = progress.settle(flight.rows, outcomes, now: time.now)
        isBrokerSilent = settlement.failures[.unknown] != nil && settlement.publishedCount == 0
        let lag = (flight.rows.map(\.age).max() ?? .zero) + flight.readAt.duration(to: time.now)
        metrics.settled(settlement, lag: lag, heldSubjectCount: progress.holds.count)
        log(flight, outcomes, hadHolds: hadHolds)
    }

    /// One record when holding back begins and one when it ends: an outage is not a record per message.
    private func log(_ flight: Flight, _ outcomes: [PublishOutcome], hadHolds: Bool) {
        if hadHolds && progress.holds.isEmpty { logger.info("all subjects that were held back are published") }
        guard !hadHolds else { return }
        for (row, outcome) in zip(flight.rows, outcomes) {
            guard RelayFailure(outcome, mayBeReturned: row.mayBeReturned) != nil else { continue }
            logger.warning(
                "an event was not confirmed; its subject is held back until it is",
                metadata: [
                    LogKeys.eventID: "\(row.message?.messageID ?? "")", LogKeys.eventType: "\(row.message?.type ?? "")",
                    LogKeys.reason: "\(outcome)",
                ])
            return
        }
    }

    private mutating func reportBacklog() async throws {
        guard time.now >= backlogAt else { return }
        backlogAt = time.now + backlogInterval
        metrics.backlog(try await store.backlog())
    }
}
