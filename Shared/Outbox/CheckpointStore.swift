import Events
import Postgres

/// The statements about how far the log is summed up.
struct CheckpointStore {
    /// Where sequence and sum stand.
    struct Place {
        /// The highest position that was ever drawn, by transactions that may still run.
        let drawn: Int64
        let recorded: Int64
        /// Whether the last checkpoint is old enough for the next one.
        let isDue: Bool
    }

    /// What was appended within a range of positions.
    struct Addition {
        let eventCount: Int64
        let changed: [SubjectMark]
        let changedCount: Int
    }

    private static let changedCountMax = 400

    private let session: any PostgresSession

    init(_ session: some PostgresSession) { self.session = session }

    func place(interval: Duration) async throws(PostgresError) -> Place {
        let rows = try await session.query(
            """
            select case when s.is_called then s.last_value else 0 end as drawn, c.position,
                c.published_at <= clock_timestamp() - \(interval.seconds) * interval '1 second' as is_due
            from log_checkpoint as c cross join events_position_seq as s
            """)
        guard let row = rows.first else { return Place(drawn: 0, recorded: 0, isDue: false) }
        return Place(drawn: try row.get("drawn"), recorded: try row.get("position"), isDue: try row.get("is_due"))
    }

    func snapshot() async throws(PostgresError) -> TransactionSnapshot { try await .take(in: session) }

    /// Until the end of the transaction statements are planned for what the tables hold now (a plan from when the log
    /// was short walks through all of it) and take one processor, beside those whose commands wait.
    func planAnew() async throws(PostgresError) {
        try await session.query(
            """
            select set_config('plan_cache_mode', 'force_custom_plan', true),
                set_config('max_parallel_workers_per_gather', '0', true)
            """)
    }

    /// Locks the sum until the end of the transaction, unless another replica has it or was faster.
    /// - Returns: the position up to which it goes.
    func lock(interval: Duration) async throws(PostgresError) -> Int64? {
        try await session.query(
            """
            select position from log_checkpoint
            where published_at <= clock_timestamp() - \(interval.seconds) * interval '1 second'
            for update skip locked
            """
        ).first?.get("position")
    }

    /// Whether events, checkpoints apart, were appended behind the position.
    func hasEvents(behind position: Int64) async throws(PostgresError) -> Bool {
        try await !session.query(
            """
            select from events where position > \(position) and stream <> \(CheckpointSlice.noun)
            order by position limit 1
            """
        ).isEmpty
    }

    /// Adds the events behind `position` up to `end` to the sum.
    func add(after position: Int64, upTo end: Int64) async throws(PostgresError) -> Addition {
        let counted = try await session.query(
            """
            with fresh as (
                select type, count(*) as event_count from events
                where position > \(position) and position <= \(end) and stream <> \(CheckpointSlice.noun)
                group by type
            ), summed as (
                insert into log_counts as c (type, event_count) select type, event_count from fresh order by type
                on conflict (type) do update set event_count = c.event_count + excluded.event_count
            )
            select coalesce(sum(event_count), 0)::bigint as event_count from fresh
            """)
        let changed = try await session.query(
            """
            select stream, subject, max(sequence) as sequence, count(*) over () as subject_count
            from events
            where position > \(position) and position <= \(end) and stream <> \(CheckpointSlice.noun)
            group by stream, subject order by max(position) desc limit \(Self.changedCountMax)
            """)
        var marks: [SubjectMark] = []
        for row in changed {
            marks.append(
                SubjectMark(
                    noun: try row.get("stream"), subject: try row.get("subject"), sequence: try row.get("sequence")))
        }
        return Addition(
            eventCount: try counted.first?.get("event_count") ?? 0, changed: marks,
            changedCount: try changed.first?.get("subject_count", as: Int.self) ?? 0)
    }

    func counts() async throws(PostgresError) -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for row in try await session.query("select type, event_count from log_counts") {
            counts[try row.get("type")] = try row.get("event_count")
        }
        return counts
    }

    func record(_ position: Int64, isPublished: Bool) async throws(PostgresError) {
        try await session.query(
            """
            update log_checkpoint set position = \(position),
                published_at = case when \(isPublished) then clock_timestamp() else published_at end
            """)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
