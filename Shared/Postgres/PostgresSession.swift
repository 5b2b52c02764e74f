import Metrics
import Synchronization

/// What a store's function takes: a transaction, a lease, or a pool where each statement commits by itself.
package protocol PostgresSession: Sendable {
    @discardableResult func query(_ query: PostgresQuery) async throws(PostgresError) -> PostgresRows
}

/// One connection, where each statement commits by itself. Valid inside the closure that received it.
package struct PostgresLease: PostgresSession {
    let lent: LentConnection
    let metrics: PostgresMetrics

    @discardableResult
    package func query(_ query: PostgresQuery) async throws(PostgresError) -> PostgresRows {
        try await lent.use().execute(query, in: nil)
    }

    /// Runs SQL text with any number of statements, which together commit or fail unless the text says otherwise.
    /// - Parameter sql: trusted text; it is not prepared and takes no parameters.
    package func executeScript(_ sql: String, timeout: Duration = .seconds(600)) async throws(PostgresError) {
        try await lent.use().executeScript(sql, timeout: timeout, in: nil)
    }

    /// As ``PostgresPool/withTransaction(isolation:attempts:_:)``, on this connection, which is not replaced when it
    /// dies.
    @discardableResult
    package func withTransaction<R>(
        isolation: PostgresIsolation = .readCommitted, attempts: Int = 5,
        _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        let connection = try lent.use()
        return try await repeatingConflicts(attempts: attempts, metrics: metrics) {
            await LentConnection(connection).attempt(isolation: isolation, replacingFrom: nil, body)
        }
    }
}

/// A transaction. Valid inside the closure that received it; statements of concurrent tasks run one after the other.
package struct PostgresTransaction: PostgresSession {
    let lent: LentConnection
    let token: TransactionToken
    let pool: PostgresPool?

    @discardableResult
    package func query(_ query: PostgresQuery) async throws(PostgresError) -> PostgresRows {
        let connection = try lent.use()
        do throws(PostgresError) {
            return try await connection.execute(query, in: token)
        } catch {
            guard error.code == .connectionLost, lent.useCount == 1, let pool else { throw error }
            // Nothing of the transaction is lost with its first statement, so the closure need not know.
            return try await lent.replace(connection, from: pool).execute(query, in: token)
        }
    }

    /// Runs SQL text with any number of statements inside the transaction.
    /// - Parameter sql: trusted text without transaction commands.
    package func executeScript(_ sql: String, timeout: Duration = .seconds(600)) async throws(PostgresError) {
        try await lent.use().executeScript(sql, timeout: timeout, in: token)
    }
}

/// A connection in the hands of a closure, which loses it when it ends.
final class LentConnection: Sendable {
    private struct State {
        /// nil when a dead one could not be replaced.
        var connection: PostgresConnection?
        var isOver = false
        var useCount = 0
    }

    private static let lastTransaction = Atomic<UInt64>(0)
    private let state: Mutex<State>

    init(_ connection: PostgresConnection) { state = Mutex(State(connection: connection)) }

    var connection: PostgresConnection? { state.withLock { $0.connection } }
    var useCount: Int { state.withLock { $0.useCount } }

    func use() throws(PostgresError) -> PostgresConnection {
        let (connection, isOver) = state.withLock { state in
            state.useCount += 1
            return (state.connection, state.isOver)
        }
        guard !isOver else { throw PostgresError(.configuration, reason: "the session was used after its closure") }
        guard let connection else { throw PostgresError(.connectionLost) }
        return connection
    }

    func end() { state.withLock { $0.isOver = true } }

    func replace(
        _ dead: PostgresConnection, from pool: PostgresPool
    ) async throws(PostgresError) -> PostgresConnection {
        state.withLock { $0.connection = nil }
        pool.release(dead)
        let fresh = try await pool.acquire()
        state.withLock { $0.connection = fresh }
        return fresh
    }

    /// Runs a transaction's closure once.
    func attempt<R>(
        isolation: PostgresIsolation, replacingFrom pool: PostgresPool?,
        _ body: (PostgresTransaction) async throws -> R
    ) async -> Attempt<R> {
        let number = Self.lastTransaction.add(1, ordering: .relaxed).newValue
        let token = TransactionToken(number: number, isolation: isolation)
        do {
            let value = try await body(PostgresTransaction(lent: self, token: token, pool: pool))
            end()
            guard let connection else { throw PostgresError(.connectionLost) }
            try await connection.commit(token)
            return .success(value)
        } catch {
            end()
            // The closure may have turned the conflict into an error of its own; the connection remembers.
            let first = await connection?.rollback(token) ?? error as? PostgresError
            return first?.deservesAnotherAttempt == true ? .conflict(error) : .failure(error)
        }
    }
}

/// How one run of a transaction's closure ended.
enum Attempt<R> {
    case success(R)
    /// It lost against another transaction and may win next time.
    case conflict(any Error)
    case failure(any Error)
}

extension PostgresError {
    fileprivate var deservesAnotherAttempt: Bool { isTransactionConflict || isStalePlan }
}

/// Runs transactions until one does not lose against another, with a growing jittered delay between them.
func repeatingConflicts<R>(
    attempts: Int, metrics: PostgresMetrics, _ attempt: () async throws -> Attempt<R>
) async throws -> R {
    var attemptCount = 1
    while true {
        switch try await attempt() {
        case .success(let value): return value
        case .failure(let error): throw error
        case .conflict(let error):
            guard attemptCount < attempts, !Task.isCancelled else { throw error }
            metrics.transactionRetries.increment()
            // Without the jitter two that met once would meet again.
            let limitMilliseconds = min(5 << attemptCount, 500)
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...limitMilliseconds)))
            attemptCount += 1
        }
    }
}
