package import Events
package import FoundationEssentials
package import Postgres
import ServiceLifecycle

/// What a service says of its own when its log is summed up: events that commit with the checkpoint.
package typealias CheckpointCompanion = @Sendable (CheckpointRange, PostgresTransaction) async throws -> [NewEvent]

/// The events that a checkpoint adds.
package struct CheckpointRange: Sendable {
    /// Up to here the one before went.
    package let after: Int64
    package let upTo: Int64
    /// Business time.
    package let time: Date
    package let cause: EventCause

    /// Far below what the server lets a transaction idle.
    private static let restMax = Duration.milliseconds(50)

    /// Lets those go first whose commands wait: a companion rests behind each page as long as it took, and not while
    /// the service stops.
    package static func rest(since start: ContinuousClock.Instant) async throws {
        guard !Task.isShuttingDownGracefully else { return }
        try await Task.sleep(for: min(start.duration(to: .now), restMax))
    }
}

/// Sums up the log, position by position, without holding up a writer.
///
/// A position is drawn before its transaction commits, so the highest position that is visible says nothing about
/// those below it. The maker notes the last position that was drawn, *then* the next transaction number: whoever drew
/// one of these positions has a lower number, because an append writes the subject's row before it draws. When every
/// transaction below that number has ended, all that will ever be at these positions is visible.
package struct CheckpointMaker {
    package enum Outcome: Sendable, Equatable {
        /// Nothing new, or the last checkpoint is too young.
        case idle
        /// A transaction that may have drawn a position still runs. One in another database counts too: the server
        /// cannot tell them apart here. That delays a checkpoint and never makes it wrong.
        case unsettled
        /// Another replica was faster.
        case taken
        /// Summed up to the position; `isPublished` when there was something to say.
        case recorded(position: Int64, isPublished: Bool, hasMore: Bool)
    }

    private struct Mark {
        let position: Int64
        let nextTransaction: Int64
        let setAt = ContinuousClock.now
    }

    /// Positions that one transaction sums up: after an upgrade of a long log it takes several.
    private static let rangeMax = CheckpointSlice.width * 256
    /// Of `changed` as JSON: with the counts it stays below what a payload may hold.
    private static let changedBytesMax = 36_864

    private let owner: EventOwner
    private let pool: PostgresPool
    private let interval: Duration
    private let now: @Sendable () -> Date
    private let companion: CheckpointCompanion?
    private var mark: Mark?
    /// A range was cut, and the rest need not wait for its time.
    private var isContinuing = false

    /// - Parameters:
    ///   - interval: between two checkpoints, whichever replicas make them.
    ///   - now: business time.
    package init(
        owner: EventOwner, pool: PostgresPool, interval: Duration, now: @escaping @Sendable () -> Date,
        companion: CheckpointCompanion? = nil
    ) {
        self.owner = owner
        self.pool = pool
        self.interval = interval
        self.now = now
        self.companion = companion
    }

    /// For how long old transactions have held up the checkpoint.
    package var unsettledTime: Duration { mark.map { $0.setAt.duration(to: .now) } ?? .zero }

    /// Goes on as far as it can without waiting.
    package mutating func advance() async throws -> Outcome {
        let store = CheckpointStore(pool)
        if mark == nil {
            let place = try await store.place(interval: interval)
            guard place.drawn > place.recorded, place.isDue else { return .idle }
            // A statement of its own behind the first: in one, the snapshot would be older than the position, and a
            // transaction between the two would be overlooked.
            mark = Mark(position: place.drawn, nextTransaction: try await store.snapshot().next)
        }
        guard let mark else { return .idle }
        guard try await store.snapshot().oldestRunning >= mark.nextTransaction else { return .unsettled }
        let outcome = try await pool.withTransaction { transaction in try await record(mark, in: transaction) }
        isContinuing = if case .recorded(_, _, hasMore: true) = outcome { true } else { false }
        if !isContinuing { self.mark = nil }
        return outcome
    }

    private func record(_ mark: Mark, in transaction: PostgresTransaction) async throws -> Outcome {
        let store = CheckpointStore(transaction)
        let last = try await store.lock(interval: isContinuing ? .zero : interval)
        guard let last, last < mark.position else { return .taken }
        try await store.planAnew()
        let end = try await end(of: mark, behind: last, store)
        let addition = try await store.add(after: last, upTo: end)
        let isPublished = addition.eventCount > 0
        if isPublished {
            let cause = EventCause(correlationID: EventID.next().lowercase)
            let range = CheckpointRange(after: last, upTo: end, time: now(), cause: cause)
            var events = try await companion?(range, transaction) ?? []
            events.append(checkpoint(owner.log, range, addition, counts: try await store.counts()))
            try await EventLog.append(events, in: transaction)
        }
        try await store.record(end, isPublished: isPublished)
        return .recorded(position: end, isPublished: isPublished, hasMore: isCut(mark, last))
    }

    private func isCut(_ mark: Mark, _ last: Int64) -> Bool { mark.position - last > Self.rangeMax }

    /// While events go on coming, the end of a slice: there listeners can compare exactly, whatever came since. When
    /// none came since the mark, the very last position; and so, too, when so few come that no slice was filled.
    private func end(of mark: Mark, behind last: Int64, _ store: CheckpointStore) async throws -> Int64 {
        let limit = min(mark.position, last + Self.rangeMax)
        let isBusy = try await store.hasEvents(behind: mark.position)
        let sliceEnd = CheckpointSlice.end(atOrBelow: limit)
        return (isBusy || isCut(mark, last)) && sliceEnd > last ? sliceEnd : limit
    }

    private func checkpoint<Log: LogOwner>(
        _: Log.Type, _ range: CheckpointRange, _ addition: CheckpointStore.Addition, counts: [String: Int64]
    ) -> NewEvent {
        NewEvent(
            LogCheckpointed<Log>(
                position: range.upTo, counts: counts, changed: Self.fitting(addition.changed),
                changedCount: addition.changedCount),
            subject: owner.rawValue, time: range.time, actor: owner.rawValue, cause: range.cause)
    }

    /// As many as fit: an escaped character takes up to six bytes, and a subject is our own id in practice.
    private static func fitting(_ marks: [SubjectMark]) -> [SubjectMark] {
        var bytesCount = 0
        return Array(
            marks.prefix { mark in
                bytesCount += 64 + mark.noun.utf8.count + mark.subject.utf8.reduce(0) { $0 + ($1 < 0x30 ? 6 : 1) }
                return bytesCount <= changedBytesMax
            })
    }
}
