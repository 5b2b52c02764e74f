package import Events
import FoundationEssentials
package import Postgres

/// Events that came too early.
package enum ParkedEvents {
    /// Makes the events of a noun that wait for readiness due now: for a command that has just made known what they
    /// wait for.
    /// - Parameter session: the command's transaction; the sweep sees them after its commit.
    package static func retryNow(
        owner: EventOwner, stream: String, in session: some PostgresSession
    ) async throws(PostgresError) {
        try await session.query(
            """
            update inbox_parked set next_attempt_at = now()
            where owner = \(owner.rawValue) and stream = \(stream) and waits_for = 'readiness'
            """)
    }
}

/// The statements about parked events.
struct ParkedStore {
    struct Parked {
        let message: InboundMessage
        /// Nothing holds it back but its predecessor, or its time has come.
        let isDue: Bool
    }

    /// What the sweep looks after.
    struct Candidate {
        let id: UUID
        let key: OrderKey
        let isOrdered: Bool
    }

    private let session: PostgresTransaction

    init(_ session: PostgresTransaction) { self.session = session }

    /// The lowest parked sequence behind each place. A statement of its own, because one that waits for a lock still
    /// reads what was there before the wait.
    func firstSequences(behind places: [(key: OrderKey, last: Int64)]) async throws(PostgresError) -> [OrderKey: Int64]
    {
        let columns = KeyColumns(places.map(\.key))
        let rows = try await session.query(
            """
            select k.place, p.sequence
            from unnest(\(columns.owners), \(columns.streams), \(columns.subjects), \(places.map(\.last)))
                with ordinality as k (owner, stream, subject, last_sequence, place)
            cross join lateral (
                select p.sequence from inbox_parked as p
                where p.is_ordered and p.owner = k.owner and p.stream = k.stream and p.subject = k.subject
                    and p.sequence > k.last_sequence
                order by p.sequence limit 1
            ) as p
            """)
        return try Self.firstSequences(rows, of: places.map(\.key))
    }

    /// The lowest parked sequence behind what locked subjects have reached. A statement of its own, as above.
    static func firstSequences(behind columns: KeyColumns) -> PostgresQuery {
        """
        select k.place, p.sequence
        from unnest(\(columns.owners), \(columns.streams), \(columns.subjects)) with ordinality
            as k (owner, stream, subject, place)
        join inbox_order as o on o.owner = k.owner and o.stream = k.stream and o.subject = k.subject
        cross join lateral (
            select p.sequence from inbox_parked as p
            where p.is_ordered and p.owner = k.owner and p.stream = k.stream and p.subject = k.subject
                and p.sequence > o.last_sequence
            order by p.sequence limit 1
        ) as p
        """
    }

    static func firstSequences(_ rows: PostgresRows, of keys: [OrderKey]) throws(PostgresError) -> [OrderKey: Int64] {
        var first: [OrderKey: Int64] = [:]
        for row in rows { first[keys[try row.get("place", as: Int.self) - 1]] = try row.get("sequence") }
        return first
    }

    /// The unbroken run of parked events behind `last`, at most `limit` of them.
    func run(of key: OrderKey, behind last: Int64, limit: Int = 50) async throws -> [Parked] {
        let rows = try await session.query(
            """
            select id, sequence, exchange, routing_key, headers, body,
                waits_for <> 'readiness' or next_attempt_at <= now() as is_due
            from inbox_parked
            where is_ordered and owner = \(key.owner.rawValue) and stream = \(key.stream) and subject = \(key.subject)
                and sequence > \(last)
            order by sequence limit \(limit)
            """)
        var run: [Parked] = []
        for row in rows {
            guard try row.get("sequence", as: Int64.self) == last + Int64(run.count) + 1 else { break }
            run.append(try Self.parked(row, isSequenced: true))
        }
        return run
    }

    /// One event outside any order that is due, unless somebody else works on it.
    func due(_ id: UUID) async throws -> Parked? {
        let rows = try await session.query(
            """
            select id, exchange, routing_key, headers, body, true as is_due from inbox_parked
            where id = \(id) and next_attempt_at <= now() for update skip locked
            """)
        return try rows.first.map { try Self.parked($0, isSequenced: false) }
    }

    /// Parks events. A gap is looked at again after a minute in case a wake-up was lost; what is not ready, after a
    /// second.
    func park(_ parkings: [InboxEffects.Parking]) async throws(PostgresError) {
        guard !parkings.isEmpty else { return }
        let keys = KeyColumns(parkings.map(\.message.event.key))
        let events = parkings.map(\.message.event)
        let sources = parkings.map(\.message.source)
        try await session.enqueue(
            """
            insert into inbox_parked (id, owner, stream, subject, sequence, is_ordered, waits_for, reason,
                next_attempt_at, exchange, routing_key, headers, body)
            select p.id, p.owner, p.stream, p.subject, p.sequence, p.is_ordered, p.waits_for, p.reason,
                case p.waits_for when 'readiness' then now() + interval '1 second'
                    when 'predecessor' then now() + interval '1 minute' else 'infinity' end,
                p.exchange, p.routing_key, p.headers, p.body
            from unnest(\(events.map(\.id)), \(keys.owners), \(keys.streams), \(keys.subjects),
                \(events.map(\.sequence)), \(parkings.map(\.message.isSequenced)), \(parkings.map(\.cause.rawValue)),
                \(parkings.map(\.reason)), \(sources.map(\.exchange)), \(sources.map(\.routingKey)),
                \(sources.map(\.headers)), \(sources.map(\.body)))
                as p (id, owner, stream, subject, sequence, is_ordered, waits_for, reason, exchange, routing_key,
                    headers, body)
            """)
    }

    func remove(_ ids: [UUID]) async throws(PostgresError) {
        guard !ids.isEmpty else { return }
        try await session.enqueue("delete from inbox_parked where id = any(\(ids))")
    }

    /// What is still not ready waits twice as long, up to 5 min, and a random part of it less.
    func postpone(_ postponed: [(id: UUID, reason: String)]) async throws(PostgresError) {
        guard !postponed.isEmpty else { return }
        try await session.enqueue(
            """
            update inbox_parked as p
            set attempts = p.attempts + 1, reason = r.reason, waits_for = 'readiness',
                next_attempt_at = now()
                    + least(power(2, least(p.attempts + 1, 9)), 300) * (0.75 + random() / 4) * interval '1 second'
            from unnest(\(postponed.map(\.id)), \(postponed.map(\.reason))) as r (id, reason)
            where p.id = r.id
            """)
    }

    /// Removes parked events whose sequence was applied under another id.
    func removePast(of key: OrderKey, last: Int64) async throws(PostgresError) -> Int {
        try await session.query(
            """
            delete from inbox_parked
            where is_ordered and owner = \(key.owner.rawValue) and stream = \(key.stream) and subject = \(key.subject)
                and sequence <= \(last)
            """
        ).affectedCount
    }

    /// The due events of a subject still have a gap before them: nothing to do for 5 min.
    func postponeGap(of key: OrderKey) async throws(PostgresError) {
        try await session.query(
            """
            update inbox_parked set attempts = attempts + 1, next_attempt_at = now() + interval '5 minutes'
            where is_ordered and owner = \(key.owner.rawValue) and stream = \(key.stream) and subject = \(key.subject)
                and next_attempt_at <= now()
            """)
    }

    private static func parked(_ row: PostgresRow, isSequenced: Bool) throws -> Parked {
        let source = MessageSource(
            exchange: try row.get("exchange"), routingKey: try row.get("routing_key"), headers: try row.get("headers"),
            body: try row.get("body"))
        let event = InboundEvent(try EventEnvelope(decoding: source.body), position: source.position)
        let message = InboundMessage(event: event, source: source, isSequenced: isSequenced)
        return Parked(message: message, isDue: try row.get("is_due"))
    }
}
