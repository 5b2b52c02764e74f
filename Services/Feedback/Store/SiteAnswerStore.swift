import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// The sites' answers.
struct SiteAnswerStore: Sendable {
    /// - Returns: false where the experiment is unknown or out of reach.
    func publish(
        _ answer: SiteAnswer, by act: InvitationAct, cause: EventCause, in session: some PostgresSession
    ) async throws -> Bool {
        guard try await act.reach.contains(answer.experiment, in: session) else { return false }
        try await session.query(
            """
            insert into site_answers (answer, experiment, theme, text_fr, text_en, published_at, published_by)
            values (\(answer.id), \(answer.experiment), \(answer.theme), \(answer.french), \(answer.english),
                \(answer.publishedAt), \(act.actor))
            """)
        let event = AnswerPublished(
            answer: answer.id, experiment: answer.experiment, theme: answer.theme,
            languages: answer.languages.map(\.rawValue), publishedAt: answer.publishedAt)
        try await EventLog.append(
            [NewEvent(event, subject: answer.id.lowercase, time: act.now, actor: act.actor, cause: cause)],
            in: session)
        return true
    }

    /// - Returns: nil where there is none within reach.
    func withdraw(
        _ id: UUID, of experiment: UUID, by act: InvitationAct, in session: some PostgresSession
    ) async throws -> SiteAnswer? {
        guard try await act.reach.contains(experiment, in: session) else { return nil }
        let rows = try await session.query(
            """
            update site_answers set withdrawn_at = coalesce(withdrawn_at, \(act.now))
            where answer = \(id) and experiment = \(experiment) returning *
            """)
        return try rows.first.map { row throws(PostgresError) in try SiteAnswer(row) }
    }

    /// Newest first.
    /// - Parameter onlyPublished: leaves out those that were withdrawn.
    func list(
        of experiment: UUID, before: Int64, limit: Int, onlyPublished: Bool, in session: some PostgresSession
    ) async throws(PostgresError) -> [(position: Int64, answer: SiteAnswer)] {
        let rows = try await session.query(
            """
            select * from site_answers
            where experiment = \(experiment) and position < \(before) and not (\(onlyPublished)
                and withdrawn_at is not null)
            order by position desc limit \(limit)
            """)
        var answers: [(position: Int64, answer: SiteAnswer)] = []
        for row in rows { answers.append((try row.get("position"), try SiteAnswer(row))) }
        return answers
    }
}

extension SiteAnswer {
    fileprivate init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.get("answer"), experiment: try row.get("experiment"), theme: try row.get("theme"),
            french: try row.get("text_fr"), english: try row.get("text_en"), publishedAt: try row.get("published_at"),
            withdrawnAt: try row.get("withdrawn_at"))
    }
}
