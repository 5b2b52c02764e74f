import Synchronization

/// A connection in the hands of a closure, which loses it when it ends.
final class LentConnection: Sendable {
    private struct State {
        /// nil when a dead one could not be replaced.
        var connection: PostgresConnection?
        var isOver = false
        var isCopying = false
        var useCount = 0
        /// They go out with the next statement.
        var queue: [PostgresQuery] = []
        var queueBytes = 0
    }

    /// More do not wait for the next statement.
    private static let queueCountMax = 100
    private static let queueBytesMax = 4 << 20

    private static let lastTransaction = Atomic<UInt64>(0)
    private let state: Mutex<State>

    init(_ connection: PostgresConnection) { state = Mutex(State(connection: connection)) }

    var connection: PostgresConnection? { state.withLock { $0.connection } }
    var useCount: Int { state.withLock { $0.useCount } }

    var isWaiting: Bool { state.withLock { !$0.queue.isEmpty } }

    /// - Returns: the connection, and the statements that wait to go out with the next one.
    func use() throws(PostgresError) -> (connection: PostgresConnection, queued: [PostgresQuery]) {
        try state.withLock { state throws(PostgresError) in
            try Self.check(state)
            guard let connection = state.connection else { throw PostgresError(.connectionLost) }
            state.useCount += 1
            return (connection, Self.takeQueue(&state))
        }
    }

    /// - Returns: whether so much waits that it should go out now.
    func enqueue(_ query: PostgresQuery) throws(PostgresError) -> Bool {
        try state.withLock { state throws(PostgresError) in
            try Self.check(state)
            state.queue.append(query)
            state.queueBytes += query.byteCount
            return state.queue.count > Self.queueCountMax || state.queueBytes > Self.queueBytesMax
        }
    }

    /// Until ``endCopy()`` nothing else may be sent: the connection would wait for itself.
    func beginCopy() throws(PostgresError) -> PostgresConnection {
        let connection = try use().connection
        state.withLock { $0.isCopying = true }
        return connection
    }

    func endCopy() { state.withLock { $0.isCopying = false } }

    /// - Returns: the statements that still wait.
    @discardableResult
    func end() -> [PostgresQuery] {
        state.withLock { state in
            state.isOver = true
            return Self.takeQueue(&state)
        }
    }

    private static func check(_ state: State) throws(PostgresError) {
        let problem = state.isOver ? "the session was used after its closure" : "a COPY is running on this session"
        if state.isOver || state.isCopying { throw PostgresError(.configuration, reason: problem) }
    }

    private static func takeQueue(_ state: inout State) -> [PostgresQuery] {
        guard !state.queue.isEmpty else { return [] }
        defer { (state.queue, state.queueBytes) = ([], 0) }
        return state.queue
    }

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
            try await commit(token, after: end(), replacingFrom: pool)
            return .success(value)
        } catch {
            end()
            // The closure may have turned the conflict into an error of its own; the connection remembers.
            let first = await connection?.rollback(token) ?? error as? PostgresError
            return first?.deservesAnotherAttempt == true ? .conflict(error) : .failure(error)
        }
    }

    private func commit(
        _ token: TransactionToken, after queued: [PostgresQuery], replacingFrom pool: PostgresPool?
    ) async throws(PostgresError) {
        guard let connection else { throw PostgresError(.connectionLost) }
        do throws(PostgresError) {
            try await connection.commit(token, after: queued)
        } catch {
            // Only statements that were certainly not sent may be sent again.
            guard error.code == .connectionLost, error.isUnsent, useCount == 0, let pool else { throw error }
            try await replace(connection, from: pool).commit(token, after: queued)
        }
    }
}
