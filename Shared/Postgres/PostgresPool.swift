import ConnectionLoop
package import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// A bounded set of connections, opened when they are needed, lent in the order of asking.
///
/// A connection that died, whose transaction did not end cleanly, or that is old is not lent again. The pool itself
/// does not retry to connect: the caller hears `.connectionRefused` at once and decides how long to try.
package final class PostgresPool: Service, PostgresSession, Sendable {
    /// How long ``close()`` waits for what is lent.
    private static let closeTimeoutNanoseconds: UInt64 = 10_000_000_000

    package let configuration: PostgresConfiguration
    let metrics: PostgresMetrics
    private let logger: Logger
    private let servers = ServerMemory()
    private let state: Mutex<PoolState>
    private let clock = PoolClock()
    private let lastTicket = Atomic<UInt64>(0)

    package init(configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        metrics = PostgresMetrics(pool: configuration.applicationName)
        state = Mutex(PoolState(countMax: configuration.connectionCountMax, servers: servers))
    }

    /// Waits for the graceful shutdown of its service group, then closes. List the pool before whatever uses it, so
    /// that it stops last.
    package func run() async throws {
        // A cancelled group ends in the same way.
        try? await gracefulShutdown()
        await close()
    }

    /// Refuses new callers, closes idle connections, and returns when the lent ones came back or after 10 s. May be
    /// called more than once.
    package func close() async {
        await startClock()
        let deadline = monotonicNanoseconds() + Self.closeTimeoutNanoseconds
        let refused = state.withLock { $0.beginClosing(deadline: deadline) }
        for waiter in refused { waiter.resume(returning: .failure(PostgresError(.poolClosed))) }
        metrics.connections.record(state.withLock { $0.count })
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                state.isClockAsleep = false
                return state.waitUntilDrained(continuation)
            }
            mustWait ? clock.loop.wakeUp() : continuation.resume()
        }
    }

    /// Runs one statement, which commits by itself. A statement that was never sent because its connection had died,
    /// a `select` that lost its connection, and what a server that does not write refused, run again on another one.
    @discardableResult
    package func query(_ query: PostgresQuery) async throws(PostgresError) -> PostgresRows {
        var retryCount = 0
        while true {
            let connection = try await acquire()
            do throws(PostgresError) {
                defer { release(connection) }
                return try await connection.execute([query], in: nil).last ?? PostgresRows(affectedCount: 0)
            } catch {
                let isHarmless = error.meansReadOnlyServer || error.isUnsent || query.isSelect
                guard error.mayMove, isHarmless, retryCount < 2 else { throw error }
                retryCount += 1
            }
        }
    }

    /// Lends one connection for several autocommitted statements, for session state such as an advisory lock, or for
    /// scripts. What the closure did to the session is undone afterwards.
    @discardableResult
    package func withConnection<R>(_ body: (PostgresLease) async throws -> R) async throws -> R {
        let connection = try await acquire()
        let lent = LentConnection(connection)
        let result: Result<R, any Error>
        do {
            result = .success(try await body(PostgresLease(lent: lent, metrics: metrics)))
        } catch {
            result = .failure(error)
        }
        lent.end()
        await connection.resetSession()
        release(connection)
        return try result.get()
    }

    /// Runs a closure in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// BEGIN travels with the first statement, and a closure without statements costs nothing. A connection that turns
    /// out at the first statement to be dead, or to belong to a server that does not write any more, is replaced.
    /// COMMIT by itself is sent even when the task was cancelled meanwhile, and is not cancelled; with statements that
    /// waited for it, it is cancelled as they are. When its answer is lost the error is `.commitUnknown`.
    /// - Parameters:
    ///   - attempts: how often the closure runs at most when the transaction loses against another one (serialisation
    ///     failure, deadlock), with a jittered delay before each; what it changes outside the database it must be able
    ///     to change again.
    ///   - body: its session is valid inside it only.
    @discardableResult
    package func withTransaction<R>(
        isolation: PostgresIsolation = .readCommitted, attempts: Int = 5,
        _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        try await repeatingConflicts(attempts: attempts, metrics: metrics) {
            let lent = LentConnection(try await acquire())
            let outcome = await lent.attempt(isolation: isolation, replacingFrom: self, body)
            if let connection = lent.connection { release(connection) }
            return outcome
        }
    }

    // MARK: Lending

    func acquire() async throws(PostgresError) -> PostgresConnection {
        guard !Task.isCancelled else { throw PostgresError(.cancelled).unsent() }
        let free = try state.withLock { state throws(PostgresError) in try state.take() }
        let grant = if let free { free } else { try await wait() }
        switch grant {
        case .connection(let connection): return connection
        case .slot: return try await open()
        }
    }

    func release(_ connection: PostgresConnection) {
        let condition = connection.condition.load(ordering: .acquiring)
        let isCurrent = connection.generation == servers.generation
        let isReusable = condition == .ready && isCurrent && monotonicNanoseconds() < connection.expiresAt
        if condition == .inTransaction { logger.error("a connection came back inside a transaction and was closed") }
        follow(state.withLock { $0.put(isReusable ? connection : nil) })
        if !isReusable { recordCount() }
    }

    private func open() async throws(PostgresError) -> PostgresConnection {
        do throws(PostgresError) {
            await startClock()
            let connection = try await PostgresConnection.open(configuration, metrics: metrics, servers: servers)
            recordCount()
            return connection
        } catch {
            follow(state.withLock { $0.put(nil) })
            recordCount()
            throw error.unsent()
        }
    }

    private func wait() async throws(PostgresError) -> PoolState.Grant {
        let startedAt = monotonicNanoseconds()
        let deadline = startedAt + configuration.acquireTimeout.nanoseconds
        let ticket = lastTicket.add(1, ordering: .relaxed).newValue
        metrics.waits.increment()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: PoolState.Continuation) in
                let waiter = PoolState.Waiter(ticket: ticket, deadline: deadline, continuation: continuation)
                let (answer, mustWake) = state.withLock { state in
                    let answer = state.takeOrWait(waiter)
                    defer { state.isClockAsleep = state.isClockAsleep && answer != nil }
                    return (answer, answer == nil && state.isClockAsleep)
                }
                if let answer { return continuation.resume(returning: answer) }
                if mustWake { clock.loop.wakeUp() }
                // A cancellation before the continuation stood in the queue found nothing to remove.
                if Task.isCancelled { giveUp(ticket) }
            }
        } onCancel: {
            giveUp(ticket)
        }
        metrics.waitDuration.recordNanoseconds(Int64(monotonicNanoseconds() - startedAt))
        return try result.get()
    }

    private func giveUp(_ ticket: UInt64) {
        state.withLock { $0.remove(ticket: ticket) }?.resume(returning: .failure(PostgresError(.cancelled).unsent()))
    }

    private func follow(_ consequence: PoolState.Consequence) {
        switch consequence {
        case .nothing: break
        case .serve(let continuation, let grant): continuation.resume(returning: .success(grant))
        case .announceDrained(let continuations): continuations.forEach { $0.resume() }
        }
    }

    /// Callers that wait for a connection now.
    var waiterCount: Int { state.withLock { $0.waiterCount } }

    private func recordCount() { metrics.connections.record(state.withLock { $0.count }) }

    // MARK: Time

    private func startClock() async {
        await clock.start { [weak self] in self?.tick() ?? -1 }
    }

    /// Ends the waits whose time is over.
    private func tick() -> Int32 {
        let now = monotonicNanoseconds()
        let (expired, drained, sleep) = state.withLock { state in
            let expired = state.removeExpired(at: now)
            let isLate = state.closingDeadline.map { $0 <= now } ?? false
            let drained = isLate ? state.takeDrainWaiters() : []
            let next = state.nextDeadline()
            state.isClockAsleep = next == nil
            return (expired, drained, next.map { sleepMilliseconds(from: now, until: $0) } ?? -1)
        }
        let reason = "no connection was free within \(configuration.acquireTimeout)"
        for waiter in expired {
            waiter.resume(returning: .failure(PostgresError(.poolExhausted, reason: reason).unsent()))
        }
        if !drained.isEmpty { logger.warning("the pool was closed while connections were still lent") }
        for waiter in drained { waiter.resume() }
        return sleep
    }
}
