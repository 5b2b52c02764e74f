import RabbitMQ

/// What an active relay knows about the outbox: a value without input and output, so that its rules can be tested
/// alone.
///
/// Positions are drawn before the commit, so a row may appear below others that were read long before. Hence the
/// *cursor*, up to which everything visible was looked at; the *floor*, below which no row can appear any more; and
/// rescans from the floor. Positions just below the highest that were not seen are asked for with each look, so that a
/// late row seldom has to wait for a rescan. The order within a subject does not rest on the cursor at all: a row is
/// claimed only when its predecessor was, or is not in the outbox any more.
struct RelayProgress {
    /// A subject whose row at `position` was not confirmed. Nothing behind it is published before it is.
    struct Hold {
        fileprivate(set) var position: Int64
        fileprivate(set) var sequence: Int64
        fileprivate(set) var failureCount = 0
        fileprivate(set) var retryAt: ContinuousClock.Instant
    }

    /// What the outcomes of a flight come to.
    struct Settlement {
        var publishedCount = 0
        var failures: [RelayFailure: Int] = [:]
    }

    private struct Mark {
        let position: Int64
        let next: Int64
    }

    /// More are forgotten, and looked up once more.
    private static let sequenceCountMax = 20_000
    /// More are left to the rescans: a former leader's published rows are missing too.
    private static let missingCountMax = 500

    private(set) var cursor: Int64 = 0
    private(set) var floor: Int64 = 0
    private(set) var holds: [SubjectKey: Hold] = [:]
    /// Published and not yet deleted, or being published.
    private(set) var claimed: Set<Int64> = []
    /// Of the claimed ones those that the broker has: to be deleted.
    private(set) var published: [Int64] = []
    /// Drawn by somebody and not seen yet: rows of open transactions, and numbers that no row will ever have. Sorted.
    private var gaps: [Int64] = []
    /// Everything visible up to here was looked at once.
    private(set) var highestCursor: Int64 = 0
    private var mark: Mark?
    private var nextFloor: Int64?
    /// The number of the event of each subject that was claimed last.
    private var lastSequences: [SubjectKey: Int64] = [:]
    /// For the random part of delays.
    private let time: any RelayTime

    init(time: any RelayTime = SystemTime()) { self.time = time }

    // MARK: Scanning

    /// Whether the next look repeats one, so that it finds what is in flight.
    var isBehind: Bool { cursor < highestCursor }

    /// Notes a look at the outbox behind the cursor.
    mutating func scanned(upTo position: Int64?, wasComplete: Bool) {
        cursor = max(cursor, position ?? cursor)
        highestCursor = max(highestCursor, cursor)
        if wasComplete { cursor = highestCursor }
        guard let reached = nextFloor, wasComplete || cursor >= reached else { return }
        floor = max(floor, reached)
        nextFloor = nil
    }

    /// The positions to ask for with the next look. A rescan may have found some.
    var missing: [Int64] { gaps.filter { !claimed.contains($0) } }

    /// Notes a look behind the cursor which also asked for what is missing.
    /// - Parameter positions: what it found, sorted.
    mutating func looked(_ positions: [Int64], limit: Int) {
        let found = Set(positions)
        var last = highestCursor
        gaps = gaps.filter { !found.contains($0) && $0 > floor }
        let seen = positions.filter { $0 > last }
        for position in seen {
            // In front of the very first there is all that was ever published.
            if last > 0 { gaps += max(last + 1, position - Int64(Self.missingCountMax))..<position }
            gaps.removeFirst(max(0, gaps.count - Self.missingCountMax))
            last = position
        }
        scanned(upTo: seen.last, wasComplete: seen.count < limit)
    }

    /// Looks again from the floor. When every transaction that ran while the mark was set has ended, all rows below
    /// the mark are visible to this look or never will be, so that it is the last one needed there.
    mutating func beginRescan(_ snapshot: TransactionSnapshot) {
        if let mark, snapshot.oldestRunning >= mark.next {
            nextFloor = mark.position
            self.mark = nil
        }
        if mark == nil { mark = Mark(position: highestCursor, next: snapshot.next) }
        cursor = floor
    }

    // MARK: Claiming

    /// The rows whose predecessor is not known to be published or claimed.
    func unproven(_ rows: [OutboxRow]) -> [OutboxRow] {
        var ahead: [SubjectKey: Int64] = [:]
        return rows.filter { row in
            guard holds[row.key] == nil else { return false }
            let last = ahead.updateValue(row.sequence, forKey: row.key) ?? lastSequences[row.key]
            return row.sequence != 1 && last != row.sequence - 1
        }
    }

    /// Takes what may be published now.
    /// - Parameter late: rows whose predecessor has appeared only after the look that found them.
    mutating func claim(
        _ rows: [OutboxRow], late: Set<Int64>, now: ContinuousClock.Instant
    ) -> [OutboxRow] {
        if lastSequences.count > Self.sequenceCountMax { lastSequences = [:] }
        var lateKeys: Set<SubjectKey> = []
        return rows.filter { row in
            if late.contains(row.position) { lateKeys.insert(row.key) }
            guard holds[row.key] == nil, !lateKeys.contains(row.key) else { return false }
            guard row.message != nil else {
                hold(row, .unpublishable, now: now)
                return false
            }
            claimed.insert(row.position)
            lastSequences[row.key] = row.sequence
            return true
        }
    }

    /// The first rows of held subjects that are due for another attempt.
    func due(at now: ContinuousClock.Instant, limit: Int) -> [Int64] {
        let due = holds.values.filter { $0.retryAt <= now && !claimed.contains($0.position) }
        return Array(due.map(\.position).sorted().prefix(limit))
    }

    mutating func claimRetries(_ rows: [OutboxRow], now: ContinuousClock.Instant) -> [OutboxRow] {
        rows.filter { row in
            guard row.message != nil else {
                hold(row, .unpublishable, now: now)
                return false
            }
            claimed.insert(row.position)
            return true
        }
    }

    /// A held row is gone from the outbox: somebody dropped it on purpose.
    mutating func drop(_ positions: Set<Int64>) {
        for (key, hold) in holds where positions.contains(hold.position) { release(key, hold) }
    }

    /// Of those that are not on their way already.
    var nextRetry: ContinuousClock.Instant? {
        holds.values.lazy.filter { !claimed.contains($0.position) }.map(\.retryAt).min()
    }

    // MARK: Settling

    /// Flights are settled in the order of claiming.
    ///
    /// A row behind a held one stays in the outbox even when it was confirmed: it is published again after the held
    /// one, so that the queue then has the subject's whole run in its order.
    mutating func settle(
        _ rows: [OutboxRow], _ outcomes: [PublishOutcome], now: ContinuousClock.Instant
    ) -> Settlement {
        var settlement = Settlement()
        for (row, outcome) in zip(rows, outcomes) {
            let failure = RelayFailure(outcome, mayBeReturned: row.mayBeReturned)
            let hold = holds[row.key]
            if let failure {
                settlement.failures[failure, default: 0] += 1
                claimed.remove(row.position)
                if hold.map({ row.position <= $0.position }) ?? true { self.hold(row, failure, now: now) }
            } else if let hold, hold.position < row.position {
                claimed.remove(row.position)
            } else {
                settlement.publishedCount += 1
                published.append(row.position)
                if let hold, hold.position == row.position { release(row.key, hold) }
            }
        }
        return settlement
    }

    /// What was published is deleted.
    mutating func forgetPublished() {
        claimed.subtract(published)
        published = []
    }

    private mutating func hold(_ row: OutboxRow, _ failure: RelayFailure, now: ContinuousClock.Instant) {
        var hold = holds[row.key] ?? Hold(position: row.position, sequence: row.sequence, retryAt: now)
        (hold.position, hold.sequence) = (row.position, row.sequence)
        hold.failureCount += 1
        let delays = failure.delayMilliseconds(afterFailures: hold.failureCount)
        hold.retryAt = now + .milliseconds(time.milliseconds(in: delays))
        holds[row.key] = hold
        lastSequences[row.key] = nil
    }

    /// The rest of the subject lies behind the cursor by now: back to the place of the hold.
    private mutating func release(_ key: SubjectKey, _ hold: Hold) {
        holds[key] = nil
        lastSequences[key] = hold.sequence
        cursor = min(cursor, hold.position)
        floor = min(floor, hold.position)
        nextFloor = nil
        mark = nil
    }
}

/// Why a row was not published.
enum RelayFailure: String, Hashable, CaseIterable, Sendable {
    case nacked, returned, unknown, unpublishable

    /// nil when the outcome counts as published.
    init?(_ outcome: PublishOutcome, mayBeReturned: Bool) {
        switch outcome {
        case .confirmed: return nil
        case .returned(312, _) where mayBeReturned: return nil
        case .returned: self = .returned
        case .nacked: self = .nacked
        case .unknown: self = .unknown
        }
    }

    /// From 0.1 s, doubled with each failure up to 30 s, between half and all of it: subjects that failed together do
    /// not come back together.
    func delayMilliseconds(afterFailures count: Int) -> ClosedRange<Int> {
        let milliseconds = self == .unpublishable ? 30_000 : min(100 << min(count - 1, 10), 30_000)
        return milliseconds / 2...milliseconds
    }
}
