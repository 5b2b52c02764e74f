import Postgres

/// Between a publication and whoever judges without the instrument: what was refused for want of it is either committed
/// when the publication is followed up, or judged with it.
///
/// A few locks for all names, since an outsider chooses how many names a batch has.
enum InstrumentLocks {
    /// Of advisory locks with two numbers, which are apart from those with one.
    private static let namespace: Int32 = 20_261

    /// For the rest of the transaction, before looking whether they are published.
    static func share(_ names: [String], in session: some PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            select pg_advisory_xact_lock_shared(\(namespace), slot)
            from (select distinct hashtext(name) & 15 as slot from unnest(\(names)) as n (name) order by slot) as s
            """)
    }

    /// Waits for all that looked before. The caller holds nothing else, and keeps nothing.
    static func waitForReaders(of name: String, in pool: PostgresPool) async throws {
        try await pool.withTransaction { transaction in
            try await transaction.query("select pg_advisory_xact_lock(\(namespace), hashtext(\(name)) & 15)")
        }
    }
}
