import Events
import FoundationEssentials
import Postgres
import ReportingDomain

/// How far behind an owner's events the figures may be.
struct OwnerFreshness: Sendable, Encodable {
    let owner: String
    /// Business time of the owner's latest event; absent when nothing came yet.
    let latestEventAt: Date?
    /// From that event to now, by the programme's clock.
    let lagSeconds: Int64?
    let eventCount: Int64
}

/// An event behind a figure.
struct FigureEvent: Sendable, Encodable {
    let event: String
    let type: String
    let subject: String
    let sequence: Int64
    let time: Date
    /// What it adds; absent where one event stands for many responses.
    let value: Int64?
}

/// Reads the programme at one moment.
struct ProgrammeStore: Sendable {
    let pool: PostgresPool

    func programme(
        asOf now: Date, hidesSmallCells: Bool
    ) async throws -> (programme: Programme, freshness: [OwnerFreshness]) {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            let programme = Programme(
                facts: try await FactStore.all(in: transaction),
                participants: try await ParticipantStore.counts(in: transaction),
                tallies: try await ResponseStore.tallies(in: transaction), hidesSmallCells: hidesSmallCells)
            return (programme, try await freshness(asOf: now, in: transaction))
        }
    }

    private func freshness(
        asOf now: Date, in session: some PostgresSession
    ) async throws(PostgresError) -> [OwnerFreshness] {
        let owners = EventOwner.allCases.filter { $0 != .reporting }.map(\.rawValue)
        let rows = try await session.query(
            """
            select o.owner, max(r.time) as latest, count(r.time) as event_count
            from unnest(\(owners)) as o (owner) left join received as r using (owner)
            group by o.owner order by o.owner
            """)
        var freshness: [OwnerFreshness] = []
        for row in rows {
            let latest: Date? = try row.get("latest")
            freshness.append(
                OwnerFreshness(
                    owner: try row.get("owner"), latestEventAt: latest,
                    lagSeconds: latest.map { Int64(max(0, now.timeIntervalSince($0)).rounded()) },
                    eventCount: try row.get("event_count")))
        }
        return freshness
    }

    /// The contributions to a figure of facts; nil when there is no such figure.
    func contributions(to figure: String) async throws(PostgresError) -> [Contribution]? {
        ProgrammeFigures.book(of: try await FactStore.all(in: pool)).contributions(to: figure)
    }

    /// The received events of these contributions, in their order.
    func events(of contributions: [Contribution]) async throws(PostgresError) -> [FigureEvent] {
        let ids = contributions.map(\.event)
        let rows = try await pool.query(
            """
            select r.event_id, r.type, r.subject, r.sequence, r.time, r.position
            from received as r where r.event_id = any(\(ids))
            """)
        var known: [UUID: PostgresRow] = [:]
        for row in rows { known[try row.get("event_id")] = row }
        var events: [FigureEvent] = []
        for contribution in contributions {
            guard let row = known[contribution.event] else { continue }
            events.append(try event(row, value: contribution.value))
        }
        return events
    }

    /// The events behind a cell of responses.
    func responseEvents(
        of cell: ResponseCell, after position: Int64, limit: Int
    ) async throws(PostgresError) -> [(position: Int64, event: FigureEvent)] {
        let rows = try await pool.query(
            """
            select r.event_id, r.type, r.subject, r.sequence, r.time, r.position
            from response_events as e join received as r using (position)
            where e.experiment = \(cell.experiment) and e.instrument = \(cell.instrument)
                and e.occasion = \(cell.occasion) and e.position > \(position)
            order by e.position limit \(limit)
            """)
        return try positioned(rows)
    }

    /// The enrolments of an experiment.
    func enrolments(
        in experiment: UUID, after position: Int64, limit: Int
    ) async throws(PostgresError) -> [(position: Int64, event: FigureEvent)] {
        let rows = try await pool.query(
            """
            select r.event_id, r.type, r.subject, r.sequence, r.time, r.position
            from participants as p join received as r using (event_id)
            where p.experiment = \(experiment) and r.position > \(position)
            order by r.position limit \(limit)
            """)
        return try positioned(rows)
    }

    private func positioned(
        _ rows: PostgresRows
    ) throws(PostgresError) -> [(position: Int64, event: FigureEvent)] {
        var events: [(position: Int64, event: FigureEvent)] = []
        for row in rows { events.append((try row.get("position"), try event(row, value: nil))) }
        return events
    }

    private func event(_ row: PostgresRow, value: Int64?) throws(PostgresError) -> FigureEvent {
        FigureEvent(
            event: try row.get("event_id", as: UUID.self).lowercase, type: try row.get("type"),
            subject: try row.get("subject"), sequence: try row.get("sequence"), time: try row.get("time"), value: value)
    }
}
