import Synchronization

/// Who has which connection and who waits: the pool's decisions without its waiting, under its lock.
struct PoolState {
    /// What an acquirer gets: a connection, or the right to open one.
    enum Grant: Sendable {
        case connection(PostgresConnection)
        case slot
    }

    typealias Continuation = CheckedContinuation<Result<Grant, PostgresError>, Never>

    struct Waiter {
        let ticket: UInt64
        let deadline: UInt64
        let continuation: Continuation
    }

    /// What has to happen outside the lock.
    enum Consequence: Sendable {
        case nothing
        case serve(Continuation, Grant)
        case announceDrained([CheckedContinuation<Void, Never>])
    }

    let countMax: Int
    let waiterCountMax: Int
    private let servers: ServerMemory
    /// Idle, lent and opening.
    private(set) var count = 0
    private(set) var isClosing = false
    /// The clock sleeps without end and has to be woken for a new waiter.
    var isClockAsleep = true
    private(set) var closingDeadline: UInt64?
    /// The last one returned is lent first: its caches are warm, and those at the other end expire.
    private var idle: [PostgresConnection] = []
    private var waiters: [Waiter?] = []
    private var firstWaiter = 0
    private(set) var waiterCount = 0
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []

    init(countMax: Int, waiterCountMax: Int = 1024, servers: ServerMemory) {
        self.servers = servers
        self.countMax = countMax
        self.waiterCountMax = waiterCountMax
    }

    /// - Returns: nil when the caller has to wait.
    mutating func take() throws(PostgresError) -> Grant? {
        guard !isClosing else { throw PostgresError(.poolClosed) }
        guard waiterCount == 0 else { return nil }
        while let connection = idle.popLast() {
            let isReady = connection.condition.load(ordering: .acquiring) == .ready
            if isReady && connection.generation == servers.generation { return .connection(connection) }
            count -= 1
        }
        guard count < countMax else { return nil }
        count += 1
        return .slot
    }

    /// - Returns: what the caller gets at once; nil when its continuation waits now.
    mutating func takeOrWait(_ waiter: Waiter) -> Result<Grant, PostgresError>? {
        do throws(PostgresError) {
            if let grant = try take() { return .success(grant) }
        } catch {
            return .failure(error)
        }
        guard waiterCount < waiterCountMax else {
            return .failure(PostgresError(.poolExhausted, reason: "\(waiterCount) callers wait already"))
        }
        waiters.append(waiter)
        waiterCount += 1
        return nil
    }

    /// A connection or, when that is of no further use, its place comes back.
    mutating func put(_ connection: PostgresConnection?) -> Consequence {
        if !isClosing, let waiter = popWaiter() {
            return .serve(waiter.continuation, connection.map { .connection($0) } ?? .slot)
        }
        if !isClosing, let connection {
            idle.append(connection)
            return .nothing
        }
        count -= 1
        return drained()
    }

    mutating func remove(ticket: UInt64) -> Continuation? {
        guard let position = waiters[firstWaiter...].firstIndex(where: { $0?.ticket == ticket }) else { return nil }
        defer { waiters[position] = nil }
        waiterCount -= 1
        return waiters[position]?.continuation
    }

    /// All wait equally long, so the first one's time ends first.
    mutating func removeExpired(at now: UInt64) -> [Continuation] {
        var expired: [Continuation] = []
        while let first = firstLiveWaiter(), first.deadline <= now {
            if let waiter = popWaiter() { expired.append(waiter.continuation) }
        }
        return expired
    }

    /// The next instant at which the clock has something to do.
    mutating func nextDeadline() -> UInt64? {
        [firstLiveWaiter()?.deadline, closingDeadline].compactMap { $0 }.min()
    }

    /// From now on everything that comes back is closed.
    mutating func beginClosing(deadline: UInt64) -> [Continuation] {
        isClosing = true
        closingDeadline = closingDeadline ?? deadline
        count -= idle.count
        idle = []
        var refused: [Continuation] = []
        while let waiter = popWaiter() { refused.append(waiter.continuation) }
        return refused
    }

    /// - Returns: false when nothing is lent any more, and the continuation was not kept.
    mutating func waitUntilDrained(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        guard count > 0 else { return false }
        drainWaiters.append(continuation)
        return true
    }

    mutating func takeDrainWaiters() -> [CheckedContinuation<Void, Never>] {
        defer { drainWaiters = [] }
        closingDeadline = nil
        return drainWaiters
    }

    private mutating func drained() -> Consequence {
        isClosing && count == 0 ? .announceDrained(takeDrainWaiters()) : .nothing
    }

    private mutating func firstLiveWaiter() -> Waiter? {
        while firstWaiter < waiters.count {
            if let waiter = waiters[firstWaiter] { return waiter }
            firstWaiter += 1
        }
        waiters.removeAll(keepingCapacity: true)
        firstWaiter = 0
        return nil
    }

    private mutating func popWaiter() -> Waiter? {
        guard let waiter = firstLiveWaiter() else { return nil }
        waiters[firstWaiter] = nil
        firstWaiter += 1
        waiterCount -= 1
        // Under lasting load the queue is never empty: the used front goes before it outgrows the rest.
        if firstWaiter > 64 && firstWaiter * 2 > waiters.count {
            waiters.removeFirst(firstWaiter)
            firstWaiter = 0
        }
        return waiter
    }
}
