import ApplicationsDomain
import FoundationEssentials
import Postgres

/// One line of a list.
struct ApplicationLine: Sendable {
    let position: Int64
    let id: UUID
    let version: Int64
    let state: ApplicationState
    let call: UUID
    let title: String?
    let leadSiren: String?
    let requestedCents: Int64?
    let submittedAt: Date?
}

/// Which applications are asked for.
struct ApplicationFilter: Sendable {
    var call: UUID?
    var state: ApplicationState?
    var after: Int64 = 0
    var limit = 50
}

struct HistoryLine: Sendable {
    let id: UUID
    let type: String
    let time: Date
    let actor: String
    let sequence: Int64
}

/// Lists: each a single statement, and none of them loads an aggregate.
struct ApplicationListStore: Sendable {
    /// In the order of creation. Who sees the programme sees deposits; drafts are listed for their owner and the
    /// operator.
    func list(
        _ filter: ApplicationFilter, viewer: ApplicationViewer, in session: some PostgresSession
    ) async throws -> [ApplicationLine] {
        let rows =
            viewer.seesTheProgramme
            ? try await programme(filter, viewer: viewer, in: session)
            : try await own(filter, viewer: viewer, in: session)
        return try rows.map(ApplicationLine.init(row:))
    }

    /// The events of an application, in their order.
    func history(_ id: UUID, in session: some PostgresSession) async throws -> [HistoryLine] {
        try await session.query(
            """
            select id, type, time, actor, sequence from events
            where stream = 'application' and subject = \(id.uuidString.lowercased()) order by sequence limit 1000
            """
        ).map { row in
            HistoryLine(
                id: try row.get("id"), type: try row.get("type"), time: try row.get("time"),
                actor: try row.get("actor"), sequence: try row.get("sequence"))
        }
    }

    private func own(
        _ filter: ApplicationFilter, viewer: ApplicationViewer, in session: some PostgresSession
    ) async throws -> PostgresRows {
        try await session.query(
            """
            select a.position, a.id, a.version, a.state, a.call, a.content, d.submitted_at
            from applications a
            left join lateral (
                select submitted_at from deposits where application = a.id order by number desc limit 1) d on true
            where a.owner_subject = \(viewer.subject) and a.owner_organisation = \(viewer.organisation)
                and a.position > \(filter.after) and (\(filter.call) is null or a.call = \(filter.call))
                and (\(filter.state?.rawValue) is null or a.state = \(filter.state?.rawValue))
            order by a.position limit \(filter.limit)
            """)
    }

    private func programme(
        _ filter: ApplicationFilter, viewer: ApplicationViewer, in session: some PostgresSession
    ) async throws -> PostgresRows {
        let seesDrafts = viewer.capacities.contains(.operator)
        let owns = viewer.capacities.contains(.applicant)
        return try await session.query(
            """
            select a.position, a.id, a.version, a.state, a.call, d.submitted_at,
                coalesce(convert_from(d.canonical, 'UTF8')::jsonb, a.content) as content
            from applications a
            left join lateral (
                select submitted_at, canonical from deposits where application = a.id order by number desc limit 1
                ) d on true
            where a.position > \(filter.after) and (\(filter.call) is null or a.call = \(filter.call))
                and (\(filter.state?.rawValue) is null or a.state = \(filter.state?.rawValue))
                and (d.submitted_at is not null or \(seesDrafts) or (\(owns) and a.owner_subject = \(viewer.subject)
                    and a.owner_organisation = \(viewer.organisation)))
            order by a.position limit \(filter.limit)
            """)
    }
}

extension ApplicationLine {
    fileprivate init(row: PostgresRow) throws {
        let json: PostgresJSON = try row.get("content")
        let content = try json.decode(ApplicationContent.self)
        position = try row.get("position")
        id = try row.get("id")
        version = try row.get("version")
        state = try row.get("state")
        call = try row.get("call")
        title = content.title
        leadSiren = content.lead?.siren
        requestedCents = content.requestedCents
        submittedAt = try row.get("submitted_at")
    }
}
