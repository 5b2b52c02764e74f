import FeedbackDomain
import FoundationEssentials
import Postgres

/// What a receipt code opens.
struct ReceiptSight: Sendable {
    let invitation: Invitation
    /// The number of the answer among what was sent through the link.
    let number: Int
    let standing: ResponseStanding
    let version: Int
    /// When the answer was given or last corrected.
    let answeredAt: Date
    /// nil once erased.
    let values: GiverEntry?
}

/// Answers by their receipt codes.
struct ReceiptStore: Sendable {
    let pool: PostgresPool

    /// nil where no answer that was taken in has the code.
    func sight(of code: ReceiptCode) async throws -> ReceiptSight? {
        let rows = try await pool.query(
            """
            select i.*, true as is_answered, s.number, r.state, r.version, r.answered_at, v.answers, v.comment
            from invitation_submissions as s join invitations as i using (invitation)
            join identities as d on d.publisher = \(PagesPublisher.name) and d.source = \(PagesPublisher.source)
                and d.event_id = s.invitation::text || '.' || s.number
            join responses as r on r.experiment = i.experiment and r.participant = i.participant
                and r.instrument = i.instrument and r.occasion = i.occasion and r.response = d.response
            left join lateral (
                select answers, comment from response_values as v where v.response = r.response
                order by v.version desc limit 1
            ) as v on true
            where s.code_hash = \(Secrets.hash(code))
            """)
        guard let row = rows.first else { return nil }
        let answers: String? = try row.get("answers")
        let comment: String? = try row.get("comment")
        return ReceiptSight(
            invitation: try Invitation(row), number: Int(try row.get("number", as: Int32.self)),
            standing: try row.get("state"), version: Int(try row.get("version", as: Int32.self)),
            answeredAt: try row.get("answered_at"),
            values: answers.map { GiverEntry(choices: Self.choices($0), comment: comment ?? "") })
    }

    /// `[5,1,null]`, as the intake stores it.
    private static func choices(_ text: String) -> [Int?] {
        text.dropFirst().dropLast().split(separator: ",").map { Int($0) }
    }
}
