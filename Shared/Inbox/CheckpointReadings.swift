import Events
import Postgres

/// The statements about what owners say of their logs, and the sums that it is compared with.
struct CheckpointReadings {
    private static let compactionCountMax = 20_000

    private let session: any PostgresSession

    init(_ session: some PostgresSession) { self.session = session }

    func note(_ owner: EventOwner, position: Int64, counts: [String: Int64]) async throws {
        // Both in one order for all writers.
        let readings = CheckpointSlice.isEnd(position) ? ["latest", "slice-end"] : ["latest"]
        try await session.query(
            """
            insert into inbox_checkpoints as c (owner, reading, position, counts)
            select \(owner.rawValue), reading, \(position), \(try PostgresJSON(encoding: counts))
            from unnest(\(readings)) as r (reading)
            on conflict (owner, reading) do update
                set position = excluded.position, counts = excluded.counts, received_at = excluded.received_at
                where c.position < excluded.position
            """)
    }

    /// Notes the subjects that are not as far as they should be; most are.
    func note(_ marks: [SubjectMark], of owner: EventOwner) async throws(PostgresError) {
        guard !marks.isEmpty else { return }
        try await session.query(
            """
            insert into inbox_heads as h (owner, stream, subject, sequence)
            select \(owner.rawValue), m.stream, m.subject, m.sequence
            from unnest(\(marks.map(\.noun)), \(marks.map(\.subject)), \(marks.map(\.sequence)))
                as m (stream, subject, sequence)
            left join inbox_order as o
                on o.owner = \(owner.rawValue) and o.stream = m.stream and o.subject = m.subject
            where coalesce(o.last_sequence, 0) < m.sequence
            order by m.stream, m.subject
            on conflict (owner, stream, subject) do update set
                sequence = greatest(h.sequence, excluded.sequence),
                noted_at = case when exists (
                        select from inbox_order as o where o.owner = h.owner and o.stream = h.stream
                            and o.subject = h.subject and o.last_sequence >= h.sequence)
                    then excluded.noted_at else h.noted_at end
            """)
    }

    /// Sums up what the transactions of the inbox have counted, and forgets the subjects that have caught up. Replicas
    /// that do it at the same time take different rows.
    func compact() async throws(PostgresError) {
        try await session.query(
            """
            with borders as (
                select owner, position / \(CheckpointSlice.width) as slice from inbox_checkpoints
                where reading = 'slice-end'
            ), taken as (
                delete from inbox_receipts
                where ctid = any(array(
                    select ctid from inbox_receipts limit \(Self.compactionCountMax) for update skip locked))
                returning type, slice, event_count
            ), folded as (
                delete from inbox_counts as c using borders as b
                where b.owner = split_part(c.type, '.', 1) and c.slice > 0 and c.slice <= b.slice
                returning c.type, c.slice, c.event_count
            ), summed as (
                select t.type, case when t.slice <= b.slice then 0 else t.slice end as slice,
                    sum(t.event_count)::bigint as event_count
                from (select * from taken union all select * from folded) as t
                left join borders as b on b.owner = split_part(t.type, '.', 1)
                group by 1, 2
            )
            insert into inbox_counts as c (type, slice, event_count)
            select type, slice, event_count from summed order by type, slice
            on conflict (type, slice) do update set event_count = c.event_count + excluded.event_count
            """)
        try await session.query(
            """
            delete from inbox_heads as h using inbox_order as o
            where o.owner = h.owner and o.stream = h.stream and o.subject = h.subject
                and o.last_sequence >= h.sequence
            """)
        try await takeBackWaivers()
    }

    /// What was given up and came after all, by a replay, must not hide a later loss. Told at the end of a slice behind
    /// the waiver, where the comparison is exact.
    private func takeBackWaivers() async throws(PostgresError) {
        try await session.query(
            """
            with waived as (
                select type, sum(event_count)::bigint as event_count, max(position) as position from inbox_waivers
                group by type having sum(event_count) > 0
            ), received as (
                select type, slice, event_count from inbox_counts
                union all select type, slice, event_count from inbox_receipts
            ), compared as (
                select w.type, w.event_count, c.position, greatest(0, (c.counts ->> w.type)::bigint - coalesce((
                    select sum(r.event_count) from received as r
                    where r.type = w.type and r.slice <= c.position / \(CheckpointSlice.width)
                ), 0))::bigint as missing_count
                from waived as w
                join inbox_checkpoints as c on c.owner = split_part(w.type, '.', 1) and c.reading = 'slice-end'
                    and c.position >= w.position
            )
            insert into inbox_waivers (type, event_count, position, reason, actor)
            select type, missing_count - event_count, position, 'came after all', 'inbox' from compared
            where missing_count < event_count
            """)
    }
}
