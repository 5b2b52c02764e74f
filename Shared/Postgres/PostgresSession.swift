import Metrics
import Synchronization

/// What a store's function takes: a transaction, a lease, or a pool where each statement commits by itself.
package protocol PostgresSession: Sendable {
    @discardableResult func query(_ query: PostgresQuery) async throws(PostgresError) -> PostgresRows

    /// Runs statements that do not need each other's results: in one round trip where the session has a connection of
    /// its own, elsewhere one by one.
    /// - Returns: one result per statement.
    @discardableResult func pipeline(_ queries: [PostgresQuery]) async throws(PostgresError) -> [PostgresRows]

    /// Puts rows into their tables, one table after the other: in a transaction by COPY, elsewhere by statements.
    /// - Throws: `PostgresError.isUniqueViolation` when one of them is there already; the transaction is over then.
    func load(_ tables: [PostgresTableRows]) async throws(PostgresError)

    /// Runs a statement whose result nobody needs: in a transaction without a round trip of its own, elsewhere at once.
    func enqueue(_ query: PostgresQuery) async throws(PostgresError)
}

extension PostgresSession {
    @discardableResult
    package func pipeline(_ queries: [PostgresQuery]) async throws(PostgresError) -> [PostgresRows] {
        var results: [PostgresRows] = []
        for query in queries { results.append(try await self.query(query)) }
        return results
    }

    package func load(_ tables: [PostgresTableRows]) async throws(PostgresError) {
        for rows in tables where !rows.isEmpty { try await query(rows.insertAll) }
    }

    package func enqueue(_ query: PostgresQuery) async throws(PostgresError) { try await self.query(query) }
}

/// One connection, where each statement commits by itself. Valid inside the closure that received it.
package struct PostgresLease: PostgresSession {
    let lent: LentConnection
    let metrics: PostgresMetrics

    @discardableResult
    package func query(_ query: PostgresQuery) async throws(PostgresError) -> PostgresRows {
        try await lent.use().connection.execute([query], in: nil).last ?? PostgresRows(affectedCount: 0)
    }

    /// Runs statements in one round trip, which together commit or fail: the first that fails keeps those behind it
    /// from running, and the error names it.
    /// - Returns: one result per statement.
    @discardableResult
    package func pipeline(_ queries: [PostgresQuery]) async throws(PostgresError) -> [PostgresRows] {
        try StatementList.check(queries)
        guard !queries.isEmpty else { return [] }
        return try await lent.use().connection.execute(queries, in: nil)
    }

    /// Runs SQL text with any number of statements, which together commit or fail unless the text says otherwise.
    /// - Parameter sql: trusted text; it is not prepared and takes no parameters.
    package func executeScript(_ sql: String, timeout: Duration = .seconds(600)) async throws(PostgresError) {
        try await lent.use().connection.executeScript(sql, timeout: timeout, in: nil)
    }

    /// As ``PostgresPool/withTransaction(isolation:attempts:_:)``, on this connection, which is not replaced when it
    /// dies.
    @discardableResult
    package func withTransaction<R>(
        isolation: PostgresIsolation = .readCommitted, attempts: Int = 5,
        _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        let connection = try lent.use().connection
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
        try await run([query]).last ?? PostgresRows(affectedCount: 0)
    }

    /// Runs statements in one round trip, for those that do not need each other's results. The first that fails keeps
    /// those behind it from running, and the error names it.
    /// - Returns: one result per statement.
    @discardableResult
    package func pipeline(_ queries: [PostgresQuery]) async throws(PostgresError) -> [PostgresRows] {
        try StatementList.check(queries)
        return Array(try await run(queries).suffix(queries.count))
    }

    /// Leaves a statement whose result nobody needs to go out with the next one, at the latest with COMMIT: it costs no
    /// round trip of its own. What it fails with, whoever waits for that one gets, and the transaction is rolled back.
    ///
    /// Statements that wait for COMMIT are not sent when the task was cancelled meanwhile.
    package func enqueue(_ query: PostgresQuery) async throws(PostgresError) {
        // A statement too many goes out now, with those before it.
        if try lent.enqueue(query) { _ = try await run([]) }
    }

    package func load(_ tables: [PostgresTableRows]) async throws(PostgresError) {
        // A COPY cannot begin the transaction on another connection when this one turns out to be dead.
        if lent.useCount == 0 { _ = try await run(["select 1"]) }
        try await CopyRun(lent, self, token: token, timeout: nil).load(tables)
    }

    /// Sends what waits, and then these.
    private func run(_ queries: [PostgresQuery]) async throws(PostgresError) -> [PostgresRows] {
        let (connection, queued) = try lent.use()
        let all = queued.isEmpty ? queries : queued + queries
        guard !all.isEmpty else { return [] }
        do throws(PostgresError) {
            return try await connection.execute(all, in: token)
        } catch {
            guard error.mayMove, lent.useCount == 1, let pool else { throw error }
            // Nothing of the transaction is lost with its first statements, so the closure need not know.
            return try await lent.replace(connection, from: pool).execute(all, in: token)
        }
    }

    /// Runs SQL text with any number of statements inside the transaction.
    /// - Parameter sql: trusted text without transaction commands.
    package func executeScript(_ sql: String, timeout: Duration = .seconds(600)) async throws(PostgresError) {
        if lent.isWaiting { _ = try await run([]) }
        try await lent.use().connection.executeScript(sql, timeout: timeout, in: token)
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
    var deservesAnotherAttempt: Bool { isTransactionConflict || isStalePlan }
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
