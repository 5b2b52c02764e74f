import Postgres

/// Which transactions may still bring rows that have drawn their position already.
struct TransactionSnapshot {
    /// Every transaction below has ended.
    let oldestRunning: Int64
    /// No transaction from here on had begun.
    let next: Int64

    /// Asks a session that is in no transaction.
    ///
    /// A snapshot's `xmax` alone is one past the last transaction that *ended*: who began behind that one and still
    /// runs would be overlooked. Its age is what is missing up to the next number; asking for it draws none, and the
    /// relay asks ten times a second.
    static func take(in session: some PostgresSession) async throws(PostgresError) -> Self {
        let rows = try await session.query(
            """
            select pg_snapshot_xmin(s)::text::bigint as oldest,
                pg_snapshot_xmax(s)::text::bigint + age(pg_snapshot_xmax(s)::xid) as next
            from pg_current_snapshot() as s
            """)
        guard let row = rows.first else { return Self(oldestRunning: 0, next: .max) }
        return Self(oldestRunning: try row.get("oldest"), next: try row.get("next"))
    }
}
