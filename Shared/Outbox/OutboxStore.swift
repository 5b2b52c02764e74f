import Events
import Postgres

/// The relay's statements, all on the one connection that holds the leader's lock: when it is lost, nothing more is
/// read or deleted in the name of a leader that no longer is.
struct OutboxStore: OutboxQueue {
    struct Backlog {
        let rowCount: Int64
        let oldestAgeSeconds: Double
    }

    private let session: PostgresLease
    private var factory: MessageFactory

    init(_ session: PostgresLease, _ factory: MessageFactory) {
        self.session = session
        self.factory = factory
    }

    /// Tries to become the one active relay of the schema.
    func becomeLeader() async throws(PostgresError) -> Bool {
        let rows = try await session.query(
            "select pg_try_advisory_lock(hashtextextended('maillage.outbox.' || current_schema(), 0)) as is_leader")
        return try rows.first?.get("is_leader") ?? false
    }

    /// From now on the server ends the session, and with it the leader's lock, when it hears nothing for so long.
    func loseSession(afterSilenceOf limit: Duration) async throws(PostgresError) {
        let milliseconds = "\(Int64((limit / .milliseconds(1)).rounded()))"
        try await session.query("select set_config('idle_session_timeout', \(milliseconds), false)")
    }

    func beat() async throws(PostgresError) { try await session.query("select 1") }

    /// Settings of this session; the pool resets them when the connection comes back.
    ///
    /// A delete that a crash of the server undoes is a message published twice, which listeners drop: it need not wait
    /// for the disk. The outbox is empty when it is analysed, and a plan made for an empty table scans a full one.
    func prepareSession() async throws(PostgresError) {
        try await session.query(
            """
            select set_config('synchronous_commit', 'off', false), set_config('enable_seqscan', 'off', false),
                set_config('enable_sort', 'off', false)
            """)
    }

    func positions(after cursor: Int64, limit: Int) async throws(PostgresError) -> [Int64] {
        let rows = try await session.query(
            "select position from outbox where position > \(cursor) order by position limit \(limit)")
        return try Self.column("position", of: rows)
    }

    /// Which of these are still in the outbox: an operator may have dropped one.
    func queued(_ positions: [Int64]) async throws(PostgresError) -> [Int64] {
        let rows = try await session.query("select position from outbox where position = any(\(positions))")
        return try Self.column("position", of: rows)
    }

    func snapshot() async throws(PostgresError) -> TransactionSnapshot { try await .take(in: session) }

    mutating func look(_ look: OutboxLook) async throws(PostgresError) -> [OutboxRow] {
        // The positions as an array that is made first: joined, it was ten times slower.
        let select: PostgresQuery = """
            \(shared: Self.selectEvents)
            where e.position = any(array(
                (select position from outbox where position > \(look.cursor) order by position limit \(look.limit))
                union all select position from outbox where position = any(\(look.missing))))
            """
        guard !look.published.isEmpty else { return try Self.rows(try await session.query(select), &factory) }
        return try Self.rows(try await session.pipeline([Self.deletion(of: look.published), select])[1], &factory)
    }

    mutating func rows(at positions: [Int64]) async throws(PostgresError) -> [OutboxRow] {
        try await Self.rows(at: positions, &factory, in: session)
    }

    /// The same for whoever reads the log otherwise.
    static func rows(
        at positions: [Int64], _ factory: inout MessageFactory, in session: some PostgresSession
    ) async throws(PostgresError) -> [OutboxRow] {
        let rows = try await session.query("\(shared: selectEvents) where e.position = any(\(positions))")
        return try self.rows(rows, &factory)
    }

    private static let selectEvents: StaticString = """
        select e.position, e.id, e.type, e.stream, e.subject, e.sequence, e.time, e.correlation, e.causation,
            e.traceparent, e.data, p.personal, (extract(epoch from e.recorded_at) * 1000)::bigint as logged_at,
            extract(epoch from clock_timestamp() - e.recorded_at)::float8 as age_seconds
        from events as e left join events_personal as p on p.position = e.position
        """

    /// In the order of their positions.
    private static func rows(
        _ rows: PostgresRows, _ factory: inout MessageFactory
    ) throws(PostgresError) -> [OutboxRow] {
        var result: [OutboxRow] = []
        result.reserveCapacity(rows.count)
        for row in rows { result.append(try factory.row(row)) }
        return result.sorted { $0.position < $1.position }
    }

    /// Those of the rows whose predecessor waits in the outbox too, with the predecessor's position. Looked up row by
    /// row: a plan from when the log was short would walk through all of it.
    func predecessors(of rows: [OutboxRow]) async throws(PostgresError) -> [(of: Int64, at: Int64)] {
        let found = try await session.query(
            """
            select r.position, o.position as predecessor
            from unnest(\(rows.map(\.position)), \(rows.map(\.key.stream)), \(rows.map(\.key.subject)),
                \(rows.map(\.sequence))) as r (position, stream, subject, sequence)
            cross join lateral (
                select position from events
                where stream = r.stream and subject = r.subject and sequence = r.sequence - 1 limit 1
            ) as e
            join outbox as o on o.position = e.position
            """)
        var result: [(of: Int64, at: Int64)] = []
        for row in found { result.append((of: try row.get("position"), at: try row.get("predecessor"))) }
        return result
    }

    func delete(_ positions: [Int64]) async throws(PostgresError) {
        try await session.query(Self.deletion(of: positions))
    }

    private static func deletion(of positions: [Int64]) -> PostgresQuery {
        "delete from outbox where position = any(\(positions))"
    }

    func backlog() async throws(PostgresError) -> Backlog {
        let rows = try await session.query(
            """
            select count(*) as row_count, coalesce((
                select extract(epoch from clock_timestamp() - e.recorded_at)::float8 from events as e
                where e.position = (select min(position) from outbox)), 0) as oldest_age
            from outbox
            """)
        guard let row = rows.first else { return Backlog(rowCount: 0, oldestAgeSeconds: 0) }
        return Backlog(rowCount: try row.get("row_count"), oldestAgeSeconds: try row.get("oldest_age"))
    }

    private static func column(_ name: String, of rows: PostgresRows) throws(PostgresError) -> [Int64] {
        var values: [Int64] = []
        values.reserveCapacity(rows.count)
        for row in rows { values.append(try row.get(name)) }
        return values
    }
}
