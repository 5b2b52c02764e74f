import FeedbackDomain
import FoundationEssentials
import Postgres

/// What a publisher sent on one day of UTC, each event once, and what became of it until now. Every message is counted:
/// `messages` is `events`, `unidentified` and `repeated`; `events` is `accepted`, `waiting`, `refused` and `excluded`.
struct Statement: Sendable, Encodable {
    let publisher: String
    /// `2026-11-21`
    let day: String
    /// Whether the day is over and none of its events waits: then only a late fact can change it, or that an event is
    /// sent again that was refused because too many waited.
    let isFinal: Bool
    let messages: Int
    let events: Int
    let accepted: Int
    let waiting: Int
    let refused: Int
    /// Counted first, until a later fact said otherwise.
    let excluded: Int
    let refusedByReason: [String: Int]
    /// Messages too broken to name themselves, and events that came under the name of another.
    let unidentified: Int
    /// Messages whose event is counted already, here or on the day on which it was taken.
    let repeated: Int
}

struct StatementStore: Sendable {
    let pool: PostgresPool

    /// A day's beginning and end.
    private struct Day {
        let start: Date
        let end: Date
    }

    /// What has an identity.
    private struct Events {
        var counts: [String: Int] = [:]
        var reasons: [String: Int] = [:]
    }

    /// What lies in the quarantine without an identity of its own.
    private struct Others {
        let unidentified: Int
        /// Events that were refused because too many waited, and were not taken since.
        let untaken: Int
        /// Further messages of those events, and of those that were taken since.
        let repeated: Int
        let isOver: Bool
    }

    /// - Parameter day: its beginning in UTC.
    func statement(of publisher: String, on day: Date, named text: String) async throws -> Statement {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            let day = Day(start: day, end: day + 86_400)
            var events = try await events(of: publisher, on: day, in: transaction)
            let others = try await others(of: publisher, on: day, in: transaction)
            let rows = try await transaction.query(
                "select message_count from repeated_messages where publisher = \(publisher) and day = \(text)::date")
            let repeated = try rows.first?.get("message_count", as: Int.self) ?? 0
            if others.untaken > 0 {
                events.counts["refused", default: 0] += others.untaken
                events.reasons[Refusal.Reason.tooManyWaiting.rawValue, default: 0] += others.untaken
            }
            let eventCount = events.counts.values.reduce(0, +)
            let waiting = events.counts["waiting", default: 0]
            return Statement(
                publisher: publisher, day: text, isFinal: others.isOver && waiting == 0,
                messages: eventCount + others.unidentified + others.repeated + repeated, events: eventCount,
                accepted: events.counts["accepted", default: 0], waiting: waiting,
                refused: events.counts["refused", default: 0], excluded: events.counts["excluded", default: 0],
                refusedByReason: events.reasons, unidentified: others.unidentified,
                repeated: others.repeated + repeated)
        }
    }

    private func events(
        of publisher: String, on day: Day, in session: some PostgresSession
    ) async throws(PostgresError) -> Events {
        let rows = try await session.query(
            """
            select outcome, coalesce(reason, '') as reason, count(*) as n from identities
            where publisher = \(publisher) and received_at >= \(day.start) and received_at < \(day.end)
                -- A message that named nobody has no source.
                and source <> ''
            group by outcome, reason
            """)
        var events = Events()
        for row in rows {
            let outcome: String = try row.get("outcome")
            let count: Int = try row.get("n")
            events.counts[outcome, default: 0] += count
            if outcome == "refused" { events.reasons[try row.get("reason"), default: 0] += count }
        }
        return events
    }

    private func others(
        of publisher: String, on day: Day, in session: some PostgresSession
    ) async throws(PostgresError) -> Others {
        let rows = try await session.query(
            """
            select count(*) filter (where not is_crowded) as unidentified,
                count(*) filter (where is_crowded) as crowded,
                count(distinct (source, event_id, content_hash)) filter (where is_crowded and not is_taken) as untaken,
                clock_timestamp() >= \(day.end) as is_over
            from (
                select q.source, q.event_id, q.content_hash, q.reason = 'too-many-waiting' as is_crowded,
                    exists (
                        select from identities as i
                        where i.key = identity_key(q.publisher, q.source, q.event_id)
                            and i.content_hash = q.content_hash
                    ) as is_taken
                from quarantine as q
                where q.publisher = \(publisher) and q.received_at >= \(day.start) and q.received_at < \(day.end)
                    and (q.event_id is null or q.reason in ('identity-conflict', 'too-many-waiting'))
            ) as anonymous
            """)
        guard let row = rows.first else { return Others(unidentified: 0, untaken: 0, repeated: 0, isOver: false) }
        let (crowded, untaken): (Int, Int) = (try row.get("crowded"), try row.get("untaken"))
        return Others(
            unidentified: try row.get("unidentified"), untaken: untaken, repeated: crowded - untaken,
            isOver: try row.get("is_over"))
    }
}
