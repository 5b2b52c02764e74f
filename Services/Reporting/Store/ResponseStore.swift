import FoundationEssentials
import Postgres
import ReportingDomain

/// Responses and their tallies as rows; ``ResponseBook`` says what the tables hold after any events in any order.
enum ResponseStore {
    /// Records versions of responses and changes the tallies by the difference that they make.
    static func record(_ versions: [ResponseVersion], in session: some PostgresSession) async throws(PostgresError) {
        guard !versions.isEmpty else { return }
        try await lock(Set(versions.map(\.cell.experiment)), in: session)
        let known = try await stored(Array(Set(versions.map(\.response))), in: session)
        let changes = ResponseBook.changes(by: versions, over: known)
        try await store(changes.stored, in: session)
        try await change(changes.tallies, in: session)
    }

    /// Notes which events are behind which cells.
    static func note(
        _ events: [(cell: ResponseCell, position: Int64)], in session: some PostgresSession
    ) async throws(PostgresError) {
        let (experiments, positions) = (events.map(\.cell.experiment), events.map(\.position))
        let (instruments, occasions) = (events.map(\.cell.instrument), events.map(\.cell.occasion))
        try await session.query(
            """
            insert into response_events (experiment, instrument, occasion, position)
            select distinct * from unnest(\(experiments), \(instruments), \(occasions), \(positions))
            on conflict do nothing
            """)
    }

    static func tallies(in session: some PostgresSession) async throws(PostgresError) -> [ResponseCell: ResponseTally] {
        let rows = try await session.query(
            """
            select experiment, instrument, occasion, responses_count, scored_count, score_sum, promoter_count,
                passive_count, detractor_count
            from response_cells where responses_count > 0
            """)
        var tallies: [ResponseCell: ResponseTally] = [:]
        for row in rows {
            var tally = ResponseTally(
                count: try row.get("responses_count"), scoredCount: try row.get("scored_count"),
                scoreSum: try row.get("score_sum"))
            tally.promoterCount = try row.get("promoter_count")
            tally.passiveCount = try row.get("passive_count")
            tally.detractorCount = try row.get("detractor_count")
            tallies[try cell(row)] = tally
        }
        return tallies
    }

    /// Puts the transactions about an experiment in a line: two that both saw no earlier version would count a response
    /// twice, and a row that is not there cannot be locked.
    private static func lock(_ experiments: Set<UUID>, in session: some PostgresSession) async throws(PostgresError) {
        let keys = experiments.map(\.lockKey).sorted()
        try await session.query("select pg_advisory_xact_lock(key) from unnest(\(keys)) as k (key)")
    }

    /// Each is looked up by its key: `lateral … limit 1` allows no other plan. With `= any(…)` the statement was
    /// planned while the table was small, and read it whole for every batch ever after.
    private static func stored(
        _ responses: [UUID], in session: some PostgresSession
    ) async throws(PostgresError) -> [ResponseVersion] {
        let rows = try await session.query(
            """
            select r.response, r.version, r.experiment, r.instrument, r.occasion, r.is_counted, r.score
            from unnest(\(responses)) as k (response)
            cross join lateral (select * from responses as r where r.response = k.response limit 1) as r
            """)
        var versions: [ResponseVersion] = []
        for row in rows {
            let score: Int32? = try row.get("score")
            versions.append(
                ResponseVersion(
                    response: try row.get("response"), version: Int(try row.get("version", as: Int32.self)),
                    cell: try cell(row), isCounted: try row.get("is_counted"), score: score.map(Int.init)))
        }
        return versions
    }

    private static func cell(_ row: PostgresRow) throws(PostgresError) -> ResponseCell {
        ResponseCell(
            experiment: try row.get("experiment"), instrument: try row.get("instrument"),
            occasion: try row.get("occasion"))
    }

    private static func store(
        _ versions: [ResponseVersion], in session: some PostgresSession
    ) async throws(PostgresError) {
        guard !versions.isEmpty else { return }
        let (responses, numbers) = (versions.map(\.response), versions.map { Int32(clamping: $0.version) })
        let (experiments, counted) = (versions.map(\.cell.experiment), versions.map(\.isCounted))
        let (instruments, occasions) = (versions.map(\.cell.instrument), versions.map(\.cell.occasion))
        let scores = versions.map { version in version.score.map { Int32(clamping: $0) } }
        try await session.query(
            """
            insert into responses as r (response, version, experiment, instrument, occasion, is_counted, score)
            select * from unnest(
                \(responses), \(numbers), \(experiments), \(instruments), \(occasions), \(counted), \(scores))
            on conflict (response) do update set
                version = excluded.version, experiment = excluded.experiment, instrument = excluded.instrument,
                occasion = excluded.occasion, is_counted = excluded.is_counted, score = excluded.score
                where r.version < excluded.version
            """)
    }

    private static func change(
        _ changes: [ResponseCell: ResponseTally], in session: some PostgresSession
    ) async throws(PostgresError) {
        guard !changes.isEmpty else { return }
        let sorted = changes.sorted { $0.key < $1.key }
        let (cells, tallies) = (sorted.map(\.key), sorted.map(\.value))
        let (experiments, instruments, occasions) = (
            cells.map(\.experiment), cells.map(\.instrument), cells.map(\.occasion)
        )
        // A cell must exist before it can be lessened: its checks would refuse an inserted negative number.
        try await session.query(
            """
            insert into response_cells (experiment, instrument, occasion, responses_count, scored_count, score_sum,
                promoter_count, passive_count, detractor_count)
            select *, 0, 0, 0, 0, 0, 0 from unnest(\(experiments), \(instruments), \(occasions))
            on conflict do nothing
            """)
        try await session.query(
            """
            update response_cells as c set
                responses_count = c.responses_count + k.responses, scored_count = c.scored_count + k.scored,
                score_sum = c.score_sum + k.score, promoter_count = c.promoter_count + k.promoters,
                passive_count = c.passive_count + k.passives, detractor_count = c.detractor_count + k.detractors
            from unnest(
                \(experiments), \(instruments), \(occasions), \(tallies.map(\.count)), \(tallies.map(\.scoredCount)),
                \(tallies.map(\.scoreSum)), \(tallies.map(\.promoterCount)), \(tallies.map(\.passiveCount)),
                \(tallies.map(\.detractorCount)))
                as k (experiment, instrument, occasion, responses, scored, score, promoters, passives, detractors)
            where c.experiment = k.experiment and c.instrument = k.instrument and c.occasion = k.occasion
            """)
    }
}

extension UUID {
    /// One half mixed with the other, and with a number of this service: other schemas of one database lock the same
    /// ids.
    fileprivate var lockKey: Int64 {
        withUnsafeBytes(of: uuid) { bytes in
            bytes.loadUnaligned(fromByteOffset: 0, as: Int64.self)
                ^ bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self)
                ^ 0x7265_706F_7274
        }
    }
}
