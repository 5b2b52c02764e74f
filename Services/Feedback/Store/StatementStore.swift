import FeedbackDomain
import FoundationEssentials
import Postgres

/// What a publisher sent on one day of UTC, each event once, and what became of it until now.
struct Statement: Sendable, Encodable {
    let publisher: String
    /// `2026-11-21`
    let day: String
    /// Whether the day is over and none of its events waits: then only a late fact can change it.
    let isFinal: Bool
    let events: Int
    let accepted: Int
    let waiting: Int
    let refused: Int
    /// Counted first, until a later fact said otherwise.
    let excluded: Int
    let refusedByReason: [String: Int]
    /// Messages too broken to name themselves, and events that came under the name of another.
    let unidentified: Int
}

struct StatementStore: Sendable {
    let pool: PostgresPool

    /// - Parameter day: its beginning in UTC.
    func statement(of publisher: String, on day: Date, named text: String) async throws -> Statement {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            let end = day + 86_400
            let rows = try await transaction.query(
                """
                select outcome, coalesce(reason, '') as reason, count(*) as n from identities
                where publisher = \(publisher) and received_at >= \(day) and received_at < \(end)
                    -- A message that named nobody has no source.
                    and source <> ''
                group by outcome, reason
                """)
            var counts: [String: Int] = [:]
            var reasons: [String: Int] = [:]
            for row in rows {
                let outcome: String = try row.get("outcome")
                let count: Int = try row.get("n")
                counts[outcome, default: 0] += count
                if outcome == "refused" { reasons[try row.get("reason"), default: 0] += count }
            }
            let others = try await transaction.query(
                """
                select count(*) as n, clock_timestamp() >= \(end) as is_over from quarantine
                where publisher = \(publisher) and received_at >= \(day) and received_at < \(end)
                    and (event_id is null or reason in ('identity-conflict', 'too-many-waiting'))
                """)
            let waiting = counts["waiting", default: 0]
            return Statement(
                publisher: publisher, day: text,
                isFinal: try others.first?.get("is_over", as: Bool.self) ?? false && waiting == 0,
                events: counts.values.reduce(0, +), accepted: counts["accepted", default: 0], waiting: waiting,
                refused: counts["refused", default: 0], excluded: counts["excluded", default: 0],
                refusedByReason: reasons,
                unidentified: try others.first?.get("n") ?? 0)
        }
    }
}
