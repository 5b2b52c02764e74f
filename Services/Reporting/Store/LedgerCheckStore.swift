import Events
import Postgres
import ReportingDomain

/// Holds the facts against funding's ledger.
enum LedgerCheckStore {
    /// Notes what the ledger held; an older word than the one that is known changes nothing.
    static func note(_ checkpoint: LedgerCheckpointed, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into ledger_checkpoint as c (position, balances)
            values (\(checkpoint.position), \(try PostgresJSON(encoding: checkpoint.balancesCents)))
            on conflict (is_only) do update
                set position = excluded.position, balances = excluded.balances, received_at = excluded.received_at
                where c.position < excluded.position
            """)
    }

    /// Balances as the ledger says and as the facts of the events up to the same position come to.
    /// - Returns: nothing before the first word of the ledger.
    static func compared(in session: some PostgresSession) async throws -> [LedgerSums.Difference] {
        let rows = try await session.query(
            """
            select c.balances, f.kind, sum(f.amount_cents)::bigint as cents
            from ledger_checkpoint as c
            left join facts as f on f.kind = any(\(LedgerSums.steps.map(\.rawValue)))
                and coalesce(f.log_position, 0) <= c.position
            group by c.balances, f.kind
            """)
        guard let first = rows.first else { return [] }
        var moved: [FactKind: Int64] = [:]
        for row in rows {
            guard let kind = try row.get("kind", as: FactKind?.self) else { continue }
            moved[kind] = try row.get("cents", as: Int64?.self) ?? 0
        }
        let told = try first.get("balances", as: PostgresJSON.self).decode([String: Int64].self)
        return LedgerSums(movedCents: moved).compared(with: told)
    }
}
