import Events
import FoundationEssentials
import Postgres

/// The statements with which dead letters are looked up and settled.
struct DeadLetterShelf<Session: PostgresSession> {
    private static var groupCountMax: Int { 100 }

    private let session: Session

    init(_ session: Session) { self.session = session }

    // MARK: Looking

    func letter(_ id: Int64) async throws(PostgresError) -> DeadLetter? {
        let rows = try await session.query(
            """
            select id, message_id, event_id, type, owner, stream, subject, sequence, class, reason, exchange,
                routing_key, headers, body, first_seen, attempts, state, settled_at
            from dead_letters where id = \(id)
            """)
        guard let row = rows.first else { return nil }
        return try DeadLetter(row)
    }

    /// Open ones by cause, the most frequent cause first.
    func groups(exampleCount: Int) async throws(PostgresError) -> [DeadLetterGroup] {
        let rows = try await session.query(
            """
            select class, reason, type, count(*) as count, min(first_seen) as first_seen,
                max(first_seen) as last_seen, extract(epoch from now() - min(first_seen))::bigint as age,
                (array_agg(id order by first_seen, id))[1:\(exampleCount)] as examples
            from dead_letters where state = 'open'
            group by class, reason, type order by 4 desc, 1, 2, 3 limit \(Self.groupCountMax)
            """)
        var identifiers: [Int64] = []
        for row in rows { identifiers += try row.get("examples", as: [Int64].self) }
        let examples = try await examples(identifiers)
        var groups: [DeadLetterGroup] = []
        for row in rows {
            groups.append(
                DeadLetterGroup(
                    failureClass: try row.get("class"), reason: try row.get("reason"), type: try row.get("type"),
                    count: try row.get("count"), firstSeen: try row.get("first_seen"),
                    lastSeen: try row.get("last_seen"), ageSeconds: try row.get("age"),
                    examples: try row.get("examples", as: [Int64].self).compactMap { examples[$0] }))
        }
        return groups
    }

    private func examples(_ ids: [Int64]) async throws(PostgresError) -> [Int64: DeadLetterGroup.Example] {
        let rows = try await session.query(
            """
            select id, subject, case when octet_length(body) <= \(EventEnvelope.byteCountMax) then body end as body
            from dead_letters where id = any(\(ids))
            """)
        var examples: [Int64: DeadLetterGroup.Example] = [:]
        for row in rows {
            let id: Int64 = try row.get("id")
            let body: [UInt8]? = try row.get("body")
            let envelope = body.flatMap { try? EventEnvelope(decoding: $0) }
            examples[id] = DeadLetterGroup.Example(
                id: id, subject: try row.get("subject"), event: envelope.map { InboundEvent($0, position: nil) })
        }
        return examples
    }

    /// Open ones by class, those of the most frequent classes.
    func openCounts() async throws(PostgresError) -> [String: Int64] {
        let rows = try await session.query(
            """
            select class, count(*) as count from dead_letters where state = 'open'
            group by class order by 2 desc limit \(Self.groupCountMax)
            """)
        var counts: [String: Int64] = [:]
        for row in rows { counts[try row.get("class")] = try row.get("count") }
        return counts
    }

    /// Open ones of a class, in the order in which they can be settled.
    func open(class: String, limit: Int) async throws(PostgresError) -> [Int64] {
        try ids(
            await session.query(
                """
                select id from dead_letters where state = 'open' and class = \(`class`)
                order by owner, stream, subject, sequence, id limit \(limit)
                """))
    }

    /// The same ids in the order in which they can be settled, those that do not exist last.
    func inOrder(_ ids: [Int64]) async throws(PostgresError) -> [Int64] {
        let known = try self.ids(
            await session.query(
                """
                select id from dead_letters where id = any(\(ids)) order by owner, stream, subject, sequence, id
                """))
        let found = Set(known)
        return known + ids.filter { !found.contains($0) }
    }

    private func ids(_ rows: PostgresRows) throws(PostgresError) -> [Int64] {
        var ids: [Int64] = []
        for row in rows { ids.append(try row.get("id")) }
        return ids
    }

    // MARK: Settling

    /// Locks the row until the end of the transaction.
    func lock(_ id: Int64) async throws(PostgresError) -> DeadLetter? {
        let rows = try await session.query("select from dead_letters where id = \(id) for update")
        // A second statement, because the first still reads what was there before its wait.
        return rows.isEmpty ? nil : try await letter(id)
    }

    func settle(_ id: Int64, as state: DeadLetter.State) async throws(PostgresError) {
        try await session.query(
            """
            update dead_letters set state = \(state.rawValue), settled_at = clock_timestamp() where id = \(id)
            """)
    }

    /// Finds the first event of a locked subject that is still dead, and notes of all that wait in its order for what
    /// they wait.
    func renew(_ key: OrderKey) async throws(PostgresError) {
        let (owner, stream, subject) = (key.owner.rawValue, key.stream, key.subject)
        try await session.query(
            """
            with place as (
                update inbox_order as o set dead_sequence = (
                    select min(d.sequence) from dead_letters as d
                    where d.state = 'open' and d.owner = o.owner and d.stream = o.stream and d.subject = o.subject
                        and d.sequence > o.last_sequence)
                where o.owner = \(owner) and o.stream = \(stream) and o.subject = \(subject)
                returning last_sequence + 1 as next, coalesce(dead_sequence = last_sequence + 1, false) as is_dead
            )
            update inbox_parked as p
            set waits_for = case when is_dead then 'dead-predecessor' else 'predecessor' end,
                reason = case when is_dead then 'predecessor dead-lettered: ' || next
                    else 'predecessor ' || next || ' is not applied' end,
                next_attempt_at = case when is_dead then 'infinity'
                    else least(p.next_attempt_at, now() + interval '1 minute') end
            from place
            where p.is_ordered and p.owner = \(owner) and p.stream = \(stream) and p.subject = \(subject)
                and p.waits_for <> 'readiness' and p.sequence >= next
            """)
    }

    /// The end of the event log.
    func lastPosition() async throws(PostgresError) -> Int64 {
        try await session.query("select coalesce(max(position), 0) as position from events")[0].get("position")
    }

    /// How many events of each type were appended since, because of these.
    func published(behind position: Int64, causedBy ids: [UUID]) async throws(PostgresError) -> [String: Int] {
        let causes = ids.map(\.lowercase)
        let rows = try await session.query(
            """
            select type, count(*) as count from events where position > \(position) and causation = any(\(causes))
            group by type
            """)
        var counts: [String: Int] = [:]
        for row in rows { counts[try row.get("type")] = try row.get("count") }
        return counts
    }
}
