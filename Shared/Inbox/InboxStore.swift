import Events
import FoundationEssentials
import Postgres

/// The statements about received ids and the order of subjects.
struct InboxStore {
    /// How far a subject was applied.
    struct Place {
        var last: Int64
        /// The first event that lies among the dead letters.
        var dead: Int64?
    }

    private let session: PostgresTransaction

    init(_ session: PostgresTransaction) { self.session = session }

    /// Notes the receipt of events.
    /// - Parameter ids: each once. They are inserted in their order, so that two transactions with the same ids wait
    ///   for each other in one direction only.
    /// - Returns: those that were not there.
    func insert(_ ids: [UUID]) async throws(PostgresError) -> Set<UUID> {
        var column = PostgresArray(.uuid, reserving: ids.count)
        for id in ids.sorted() { column.append(uuid: id) }
        let rows = try await session.query(
            "insert into inbox (id) select id from unnest(\(column)) as t (id) on conflict do nothing returning id")
        guard rows.count < ids.count else { return Set(ids) }
        var fresh = Set<UUID>(minimumCapacity: rows.count)
        for row in rows { fresh.insert(try row.get("id")) }
        return fresh
    }

    /// Locks subjects until the end of the transaction and reads how far they are.
    ///
    /// Whoever applies or parks an event of a subject holds this lock. Without it two transactions miss each other:
    /// one parks an event and does not see its predecessor, the other applies the predecessor and does not see what is
    /// parked (measured).
    /// - Parameter keys: sorted, as everywhere, so that lockers do not wait for each other in a circle.
    func lock(_ keys: [OrderKey]) async throws(PostgresError) -> [OrderKey: Place] {
        try places(await session.query(locking(KeyColumns(keys))))
    }

    /// As ``lock(_:)``, and reads the lowest parked sequence behind each place in the same round trip.
    func lockAndLook(
        _ keys: [OrderKey]
    ) async throws(PostgresError) -> (places: [OrderKey: Place], firstParked: [OrderKey: Int64]) {
        let columns = KeyColumns(keys)
        let results = try await session.pipeline([locking(columns), ParkedStore.firstSequences(behind: columns)])
        guard results.count == 2 else { return ([:], [:]) }
        return (try places(results[0]), try ParkedStore.firstSequences(results[1], of: keys))
    }

    private func locking(_ columns: KeyColumns) -> PostgresQuery {
        """
        insert into inbox_order as o (owner, stream, subject)
        select k.owner, k.stream, k.subject
        from unnest(\(columns.owners), \(columns.streams), \(columns.subjects)) with ordinality
            as k (owner, stream, subject, place)
        order by k.place
        on conflict (owner, stream, subject) do update set last_sequence = o.last_sequence
        returning owner, stream, subject, last_sequence, dead_sequence
        """
    }

    private func places(_ rows: PostgresRows) throws(PostgresError) -> [OrderKey: Place] {
        var places: [OrderKey: Place] = [:]
        for row in rows {
            let key = OrderKey(
                owner: try row.get("owner"), stream: try row.get("stream"), subject: try row.get("subject"))
            places[key] = Place(last: try row.get("last_sequence"), dead: try row.get("dead_sequence"))
        }
        return places
    }

    /// Locks one subject unless somebody else works on it.
    func lockIfFree(_ key: OrderKey) async throws(PostgresError) -> Place? {
        let rows = try await session.query(
            """
            select last_sequence, dead_sequence from inbox_order
            where owner = \(key.owner.rawValue) and stream = \(key.stream) and subject = \(key.subject)
            for update skip locked
            """)
        guard let row = rows.first else { return nil }
        return Place(last: try row.get("last_sequence"), dead: try row.get("dead_sequence"))
    }

    /// Notes how far locked subjects were applied.
    func advance(_ places: [(key: OrderKey, last: Int64)]) async throws(PostgresError) {
        guard !places.isEmpty else { return }
        let columns = KeyColumns(places.map(\.key))
        try await session.enqueue(
            """
            update inbox_order as o
            set last_sequence = k.last_sequence,
                dead_sequence = case when o.dead_sequence > k.last_sequence then o.dead_sequence end
            from unnest(\(columns.owners), \(columns.streams), \(columns.subjects), \(places.map(\.last)))
                as k (owner, stream, subject, last_sequence)
            where o.owner = k.owner and o.stream = k.stream and o.subject = k.subject
            """)
    }

    /// Notes that an event of a locked subject lies among the dead letters: those behind it wait for more than its
    /// arrival.
    func markDead(_ key: OrderKey, _ sequence: Int64) async throws(PostgresError) {
        try await session.query(
            """
            update inbox_order set dead_sequence = least(dead_sequence, \(sequence))
            where owner = \(key.owner.rawValue) and stream = \(key.stream) and subject = \(key.subject)
                and last_sequence < \(sequence)
            """)
    }
}

/// Keys as the columns of an `unnest`.
struct KeyColumns {
    private(set) var owners: PostgresArray
    private(set) var streams: PostgresArray
    private(set) var subjects: PostgresArray

    init(_ keys: [OrderKey]) {
        owners = PostgresArray(.text, reserving: keys.count)
        streams = PostgresArray(.text, reserving: keys.count)
        subjects = PostgresArray(.text, reserving: keys.count)
        for key in keys {
            owners.append(text: key.owner.rawValue)
            streams.append(text: key.stream)
            subjects.append(text: key.subject)
        }
    }
}
