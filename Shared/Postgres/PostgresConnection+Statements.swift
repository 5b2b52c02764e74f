import CLibPQ

extension PostgresConnection {
    /// Runs statements in one round trip: in the transaction of the token, which its first statements begin, or on
    /// their own, where they commit or fail together.
    func execute(
        _ queries: [PostgresQuery], in transaction: TransactionToken?
    ) async throws(PostgresError) -> [PostgresRows] {
        await takeTurn()
        defer { giveTurn() }
        await deallocateEvicted()
        let request = Request(
            work: .statements(StatementList(isolation: try enter(transaction), queries: queries)),
            timeout: configuration.statementTimeout, isCancellable: true,
            codeWhenLost: codeWhenLost(transaction, isSelect: queries.allSatisfy(\.isSelect)))
        let result = await perform(request)
        // Outside a transaction nothing is lost by preparing the statement anew; inside, the whole closure runs again.
        guard case .failure(let error) = result, error.isStalePlan, transaction == nil, isIdle else {
            return try result.get().rows
        }
        return try await perform(request).get().rows
    }

    /// Runs several statements in the simple protocol. Its rows are dropped.
    func executeScript(
        _ script: String, timeout: Duration, in transaction: TransactionToken?
    ) async throws(PostgresError) {
        await takeTurn()
        defer { giveTurn() }
        try await begin(transaction)
        let code = codeWhenLost(transaction, isSelect: false)
        let request = Request(work: .script(script), timeout: timeout, isCancellable: true, codeWhenLost: code)
        _ = try await perform(request).get()
    }

    /// Commits what the closure of this token did; nothing when it ran no statement.
    /// - Parameter queries: statements that go out with COMMIT. The first that fails keeps it from running.
    func commit(_ transaction: TransactionToken, after queries: [PostgresQuery]) async throws(PostgresError) {
        await takeTurn()
        defer { giveTurn() }
        guard !queries.isEmpty || openTransaction == transaction.number else { return }
        let isolation = queries.isEmpty ? nil : try enter(transaction)
        openTransaction = 0
        guard let handle else { throw transactionFailure ?? lostBefore("COMMIT") }
        switch PQtransactionStatus(handle) {
        case PQTRANS_IDLE where isolation != nil, PQTRANS_INTRANS:
            var statements = StatementList(isolation: isolation, queries: queries)
            statements.commits = true
            let request = list(statements, codeWhenLost: .commitUnknown, isCancellable: !queries.isEmpty)
            do throws(PostgresError) {
                _ = try await perform(request).get()
            } catch {
                if self.handle != nil && !isIdle { await rollBack() }
                throw error
            }
        case PQTRANS_INERROR:
            // The closure caught an error that had already ended its transaction: what it did is not committed, and
            // PostgreSQL would answer our COMMIT with a quiet ROLLBACK.
            let failure = transactionFailure
            await rollBack()
            throw failure ?? PostgresError(.server, sqlState: "25P02")
        default:
            throw transactionFailure
                ?? PostgresError(.configuration, reason: "the closure ended its transaction itself")
        }
    }

    /// Undoes what the closure of this token did.
    /// - Returns: what failed first in the transaction.
    func rollback(_ transaction: TransactionToken) async -> PostgresError? {
        await takeTurn()
        defer { giveTurn() }
        guard openTransaction == transaction.number else { return nil }
        openTransaction = 0
        let failure = transactionFailure
        if handle != nil && !isIdle { await rollBack() }
        return failure
    }

    /// Undoes what a lease may have done to the session: settings, roles, cursors, advisory locks, temporary tables.
    func resetSession() async {
        await takeTurn()
        defer { giveTurn() }
        guard isIdle else { return }
        let script = """
            reset session authorization; reset all; close all; unlisten *;
            select pg_advisory_unlock_all(); discard temporary
            """
        let request = Request(
            work: .script(script), timeout: .seconds(5), isCancellable: false, codeWhenLost: .connectionLost)
        if case .failure = await perform(request) { closeHandle() }
    }

    /// Begins the transaction, where it has not begun, by a request of its own: for what cannot share a round trip.
    func begin(_ transaction: TransactionToken?) async throws(PostgresError) {
        guard let isolation = try enter(transaction) else { return }
        _ = try await perform(list(StatementList(isolation: isolation), codeWhenLost: .connectionLost)).get()
    }

    /// - Returns: the isolation to begin with, when this is the transaction's first statement.
    func enter(_ transaction: TransactionToken?) throws(PostgresError) -> PostgresIsolation? {
        guard let transaction else {
            guard openTransaction == 0 else {
                throw PostgresError(.configuration, reason: "a transaction is open on this lease: use it").unsent()
            }
            return nil
        }
        if openTransaction != transaction.number {
            guard handle == nil || isIdle else {
                throw PostgresError(.configuration, reason: "another transaction is open on this connection").unsent()
            }
            openTransaction = transaction.number
            transactionFailure = nil
            return transaction.isolation
        }
        // Without this check a statement after a failed BEGIN, or after a COMMIT in the SQL, would commit by itself.
        guard handle == nil || !isIdle else {
            throw transactionFailure ?? PostgresError(.configuration, reason: "the transaction has ended already")
        }
        return nil
    }

    private var isIdle: Bool { handle.map { PQtransactionStatus($0) == PQTRANS_IDLE } ?? false }

    /// A lost statement of a transaction had no effect, a lost `select` did not matter; any other may have been
    /// committed.
    private func codeWhenLost(_ transaction: TransactionToken?, isSelect: Bool) -> PostgresError.Code {
        transaction != nil || isSelect ? .connectionLost : .commitUnknown
    }

    func list(
        _ statements: StatementList, codeWhenLost: PostgresError.Code, isCancellable: Bool = false
    ) -> Request {
        Request(
            work: .statements(statements), timeout: configuration.statementTimeout, isCancellable: isCancellable,
            codeWhenLost: codeWhenLost)
    }

    private func rollBack() async {
        let request = Request(
            work: .statements(StatementList(rollsBack: true)), timeout: .seconds(5), isCancellable: false,
            codeWhenLost: .connectionLost)
        if case .failure = await perform(request) { closeHandle() }
    }

    /// Outside a transaction only: a failure would end it.
    private func deallocateEvicted() async {
        guard !cache.evicted.isEmpty, isIdle else { return }
        let script = cache.takeEvicted().map { "deallocate \($0)" }.joined(separator: ";")
        let request = Request(
            work: .script(script), timeout: .seconds(5), isCancellable: false, codeWhenLost: .connectionLost)
        // A name that is gone already is what we wanted.
        _ = await perform(request)
    }

    func lostBefore(_ what: String) -> PostgresError {
        PostgresError(.connectionLost, reason: "the connection was lost before \(what) was sent").unsent()
    }
}
