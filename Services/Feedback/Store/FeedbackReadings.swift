import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// How many answered what, without any single answer.
struct ResponsesSummary: Sendable, Encodable {
    struct Cell: Sendable, Encodable {
        let instrument: String
        let occasion: String
        let responsesCount: Int64
        /// Responses whose values were not erased.
        let scoredCount: Int64
        /// SUS: tenths of a point. NPS: answers.
        let scoreSum: Int64
    }

    struct Milestone: Sendable, Encodable {
        let milestone: String
        let responsesCountMin: Int64
        let reachedAt: Date?
        let reachedCount: Int64?
    }

    let experiment: String
    let startedAt: Date?
    let completedAt: Date?
    let protocolVersion: Int32?
    let participantsCount: Int64
    let responsesCount: Int64
    let milestones: [Milestone]
    let cells: [Cell]
}

/// A refused message, with a mark in the place of what could tell who a person is.
struct QuarantinedMessage: Sendable, Encodable {
    let position: Int64
    let publisher: String
    let source: String?
    let id: String?
    let reason: String
    let field: String?
    let mend: String
    let receivedAt: Date
    let byteCount: Int64
    /// Base64, at most the first 64 KiB.
    let body: String
    /// When the body went because its answer was taken back.
    let erasedAt: Date?
}

/// What became of an event, as its receipt said.
struct IssuedReceipt: Sendable, Encodable {
    let publisher: String
    let source: String
    let id: String
    let outcome: String
    let reason: String?
    let field: String?
    let mend: String?
    let receivedAt: Date
}

/// What people may read of the intake.
struct FeedbackReadings: Sendable {
    let pool: PostgresPool

    /// nil when nothing is known of the experiment.
    func summary(of experiment: UUID) async throws -> ResponsesSummary? {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            let rows = try await transaction.query(
                """
                select e.started_at, e.completed_at, e.protocol_version, e.responses_count,
                    (select count(*) from participants as p where p.experiment = e.experiment) as participants_count
                from experiments as e where e.experiment = \(experiment)
                """)
            guard let row = rows.first else { return nil }
            return ResponsesSummary(
                experiment: experiment.lowercase, startedAt: try row.get("started_at"),
                completedAt: try row.get("completed_at"), protocolVersion: try row.get("protocol_version"),
                participantsCount: try row.get("participants_count"), responsesCount: try row.get("responses_count"),
                milestones: try await milestones(of: experiment, in: transaction),
                cells: try await cells(of: experiment, in: transaction))
        }
    }

    private func milestones(
        of experiment: UUID, in session: some PostgresSession
    ) async throws(PostgresError) -> [ResponsesSummary.Milestone] {
        let rows = try await session.query(
            """
            select milestone, responses_count_min, reached_at, reached_count from milestones
            where experiment = \(experiment) and is_planned order by responses_count_min, milestone
            """)
        var milestones: [ResponsesSummary.Milestone] = []
        for row in rows {
            milestones.append(
                ResponsesSummary.Milestone(
                    milestone: try row.get("milestone"), responsesCountMin: try row.get("responses_count_min"),
                    reachedAt: try row.get("reached_at"), reachedCount: try row.get("reached_count")))
        }
        return milestones
    }

    private func cells(
        of experiment: UUID, in session: some PostgresSession
    ) async throws(PostgresError) -> [ResponsesSummary.Cell] {
        let rows = try await session.query(
            """
            select r.instrument, r.occasion, count(*) as responses_count, count(v.score) as scored_count,
                coalesce(sum(v.score), 0)::bigint as score_sum
            from responses as r left join response_values as v on v.response = r.response and v.version = r.version
            where r.experiment = \(experiment) and r.state = 'valid'
            group by r.instrument, r.occasion order by r.instrument, r.occasion
            """)
        var cells: [ResponsesSummary.Cell] = []
        for row in rows {
            cells.append(
                ResponsesSummary.Cell(
                    instrument: try row.get("instrument"), occasion: try row.get("occasion"),
                    responsesCount: try row.get("responses_count"), scoredCount: try row.get("scored_count"),
                    scoreSum: try row.get("score_sum")))
        }
        return cells
    }

    /// Newest first.
    /// - Parameters:
    ///   - before: the position that the page ends before.
    ///   - reason: nil for all.
    func quarantine(
        of publisher: String, before: Int64?, limit: Int, reason: String? = nil
    ) async throws(PostgresError) -> [QuarantinedMessage] {
        let rows = try await pool.query(
            """
            select position, publisher, source, event_id, reason, field, mend, received_at, byte_count, body,
                erased_at
            from quarantine
            where publisher = \(publisher) and position < \(before ?? Int64.max)
                and (\(reason) is null or reason = \(reason))
            order by position desc limit \(limit)
            """)
        var messages: [QuarantinedMessage] = []
        for row in rows {
            messages.append(
                QuarantinedMessage(
                    position: try row.get("position"), publisher: try row.get("publisher"),
                    source: try row.get("source"),
                    id: try row.get("event_id"), reason: try row.get("reason"), field: try row.get("field"),
                    mend: try row.get("mend"), receivedAt: try row.get("received_at"),
                    byteCount: try row.get("byte_count"),
                    body: Data(try row.get("body", as: [UInt8].self)).base64EncodedString(),
                    erasedAt: try row.get("erased_at")))
        }
        return messages
    }

    /// What became of the event, and of other events that came under its name.
    /// - Parameter publisher: nil for all.
    func receipts(
        source: String, id: String, publisher: String?
    ) async throws(PostgresError) -> [IssuedReceipt] {
        let rows = try await pool.query(
            """
            select publisher, source, event_id, outcome, reason, field, mend, received_at from identities
            where key in (
                select identity_key(publisher, \(source), \(id)) from publishers
                where \(publisher) is null or publisher = \(publisher)
                union all select identity_key(\(PublisherName.pages), \(source), \(id)) where \(publisher) is null
            )
            union all
            select publisher, source, event_id, 'refused', reason, field, mend, received_at from quarantine
            where source = \(source) and event_id = \(id) and (\(publisher) is null or publisher = \(publisher))
                and reason in ('identity-conflict', 'too-many-waiting')
            order by received_at, publisher
            """)
        var receipts: [IssuedReceipt] = []
        for row in rows {
            receipts.append(
                IssuedReceipt(
                    publisher: try row.get("publisher"), source: try row.get("source"), id: try row.get("event_id"),
                    outcome: try row.get("outcome"), reason: try row.get("reason"), field: try row.get("field"),
                    mend: try row.get("mend"), receivedAt: try row.get("received_at")))
        }
        return receipts
    }
}
