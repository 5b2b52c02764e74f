package import Events
import FoundationEssentials
import Outbox
package import Postgres

/// Compares what a listener received with what the owners say they logged.
package struct Completeness: Sendable {
    package static let holeCountMax = 1_000

    private let listener: EventOwner
    private let pool: PostgresPool
    private let holeAge: Duration

    /// - Parameter holeAge: a gap that is younger may still be on its way.
    package init(listener: EventOwner, pool: PostgresPool, holeAge: Duration = .seconds(60)) {
        self.listener = listener
        self.pool = pool
        self.holeAge = holeAge
    }

    /// All at one moment.
    package func report() async throws -> CompletenessReport {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            CompletenessReport(
                listener: listener, counts: try await counts(in: transaction), holes: try await holes(in: transaction),
                checkpoints: try await checkpoints(in: transaction), backlog: try await backlog(in: transaction))
        }
    }

    /// Sums up what was counted since; nothing when another replica does it now.
    package func compact() async throws {
        try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                select pg_try_advisory_xact_lock(hashtextextended('maillage.inbox.' || current_schema(), 0)) as is_mine
                """)
            guard try rows.first?.get("is_mine") ?? false else { return }
            try await CheckpointReadings(transaction).compact()
        }
    }

    /// Goes without what is missing of an owner's events now.
    /// - Returns: how many events that is.
    package func waive(_ owner: EventOwner, reason: String, actor: String) async throws -> Int64 {
        try await pool.withTransaction { transaction in
            let missing = try await counts(in: transaction).filter { $0.owner == owner && $0.missingCount > 0 }
            let words = (reason: StoredText.clean(reason, bytesMax: 1_000), actor: StoredText.clean(actor))
            try await transaction.query(
                """
                insert into inbox_waivers (type, event_count, position, reason, actor)
                select w.type, w.event_count, c.position, \(words.reason), \(words.actor)
                from unnest(\(missing.map(\.type)), \(missing.map(\.missingCount))) as w (type, event_count)
                join inbox_checkpoints as c on c.owner = \(owner.rawValue) and c.reading = 'latest'
                """)
            return missing.reduce(0) { $0 + $1.missingCount }
        }
    }

    // MARK: Counts

    /// Of the two readings of an owner the one that shows more missing holds: the latest shows less than there is
    /// while events behind it arrive, the other does not know of the last events.
    private func counts(in session: some PostgresSession) async throws -> [CompletenessReport.Count] {
        let rows = try await session.query(
            """
            with received as (
                select type, slice, event_count from inbox_counts
                union all select type, slice, event_count from inbox_receipts
            ), totals as (
                select type, sum(event_count)::bigint as event_count from received group by type
            ), told as (
                select e.key as type, e.value::bigint as event_count, c.reading,
                    c.position / \(CheckpointSlice.width) as slice
                from inbox_checkpoints as c cross join lateral jsonb_each_text(c.counts) as e
            ), compared as (
                select t.type, max(t.event_count) as expected, max(t.event_count - coalesce((
                    select sum(r.event_count) from received as r where r.type = t.type and r.slice <= t.slice
                ), 0))::bigint as difference
                from told as t group by t.type
            ), waived as (
                select type, sum(event_count)::bigint as event_count from inbox_waivers group by type
            )
            select coalesce(c.type, t.type) as type, c.expected, coalesce(t.event_count, 0) as received,
                coalesce(w.event_count, 0) as waived,
                greatest(coalesce(c.difference, 0) - coalesce(w.event_count, 0), 0) as missing
            from compared as c full join totals as t on t.type = c.type
            left join waived as w on w.type = coalesce(c.type, t.type)
            order by 1
            """)
        var counts: [CompletenessReport.Count] = []
        for row in rows {
            let name: String = try row.get("type")
            // What it is not bound to does not come.
            guard let type = EventType(name), EventCatalogue.follows(listener, type) else { continue }
            counts.append(
                CompletenessReport.Count(
                    owner: type.owner, type: name, expectedCount: try row.get("expected"),
                    receivedCount: try row.get("received"), waivedCount: try row.get("waived"),
                    missingCount: try row.get("missing")))
        }
        return counts
    }

    // MARK: Holes

    /// Subjects that are behind what is known of them, although neither the next event waits here (it is not ready) nor
    /// lies among the dead letters.
    private func holes(in session: some PostgresSession) async throws -> [CompletenessReport.Hole] {
        let rows = try await session.query(
            """
            with known as (
                select owner, stream, subject, sequence, parked_at as since, id from inbox_parked where is_ordered
                union all
                select owner, stream, subject, sequence, noted_at, null from inbox_heads
            ), subjects as (
                select owner, stream, subject, max(sequence) as sequence, min(since) as since,
                    coalesce(array_agg(id order by sequence) filter (where id is not null), '{}') as waiting
                from known group by owner, stream, subject
            )
            select s.owner, s.stream, s.subject, s.sequence, coalesce(o.last_sequence, 0) as last_sequence,
                s.waiting[1:20] as waiting,
                extract(epoch from clock_timestamp() - s.since)::bigint as age_seconds
            from subjects as s
            left join inbox_order as o on o.owner = s.owner and o.stream = s.stream and o.subject = s.subject
            where s.sequence > coalesce(o.last_sequence, 0)
                and s.since <= clock_timestamp() - \(holeAge.seconds) * interval '1 second'
                and o.dead_sequence is distinct from coalesce(o.last_sequence, 0) + 1
                and not exists (
                    select from inbox_parked as p
                    where p.is_ordered and p.owner = s.owner and p.stream = s.stream and p.subject = s.subject
                        and p.sequence = coalesce(o.last_sequence, 0) + 1)
            order by s.since, s.owner, s.stream, s.subject limit \(Self.holeCountMax)
            """)
        var holes: [CompletenessReport.Hole] = []
        for row in rows {
            holes.append(
                CompletenessReport.Hole(
                    owner: try row.get("owner"), noun: try row.get("stream"), subject: try row.get("subject"),
                    missingSequence: try row.get("last_sequence", as: Int64.self) + 1,
                    knownSequence: try row.get("sequence"),
                    waiting: try row.get("waiting", as: [UUID].self).map(\.lowercase),
                    ageSeconds: try row.get("age_seconds")))
        }
        return holes
    }

    // MARK: The rest

    private func checkpoints(in session: some PostgresSession) async throws -> [CompletenessReport.Checkpoint] {
        let rows = try await session.query(
            """
            select o.owner, c.position,
                extract(epoch from clock_timestamp() - c.received_at)::bigint as age_seconds
            from unnest(\(EventCatalogue.owners(followedBy: listener).map(\.rawValue))) as o (owner)
            left join inbox_checkpoints as c on c.owner = o.owner and c.reading = 'latest'
            order by o.owner
            """)
        var checkpoints: [CompletenessReport.Checkpoint] = []
        for row in rows {
            checkpoints.append(
                CompletenessReport.Checkpoint(
                    owner: try row.get("owner"), position: try row.get("position"),
                    ageSeconds: try row.get("age_seconds")))
        }
        return checkpoints
    }

    private func backlog(in session: some PostgresSession) async throws -> CompletenessReport.Backlog {
        let rows = try await session.query(
            """
            select count(*) filter (where waits_for = 'predecessor') as gaps,
                count(*) filter (where waits_for = 'dead-predecessor') as dead_gaps,
                count(*) filter (where waits_for = 'readiness') as not_ready,
                (select count(*) from dead_letters where state = 'open') as dead_letters
            from inbox_parked
            """)
        guard let row = rows.first else {
            return CompletenessReport.Backlog(
                waitingForPredecessorCount: 0, waitingForDeadPredecessorCount: 0, notReadyCount: 0, deadLetterCount: 0)
        }
        return CompletenessReport.Backlog(
            waitingForPredecessorCount: try row.get("gaps"), waitingForDeadPredecessorCount: try row.get("dead_gaps"),
            notReadyCount: try row.get("not_ready"), deadLetterCount: try row.get("dead_letters"))
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
