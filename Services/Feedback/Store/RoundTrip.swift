import Postgres

/// Statements that go out together, since none of them needs another's result.
struct RoundTrip: Sendable {
    private var queries: [PostgresQuery] = []

    /// - Returns: the place of its result.
    mutating func add(_ query: PostgresQuery) -> Int {
        queries.append(query)
        return queries.count - 1
    }

    /// - Returns: one result per statement.
    func run(in session: some PostgresSession) async throws(PostgresError) -> [PostgresRows] {
        guard !queries.isEmpty else { return [] }
        return try await session.pipeline(queries)
    }
}
