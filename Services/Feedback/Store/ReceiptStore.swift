import FeedbackDomain
import FoundationEssentials
import Postgres

/// What a receipt code opens.
struct ReceiptSight: Sendable {
    let invitation: Invitation
    /// The number of the answer among what was sent through the link.
    let number: Int
    let standing: ResponseStanding
    /// When the answer was given or last corrected.
    let answeredAt: Date
    /// Whether anything of it is still kept, be it excluded.
    let isKept: Bool
    /// nil once erased, and where the answer was excluded.
    let values: GiverEntry?
}

/// Answers by their receipt codes.
struct ReceiptStore: Sendable {
    let pool: PostgresPool

    /// What stands now is shown while the code's own answer counts: where that was excluded, another's may stand in its
    /// place, and of the code's own nothing is told but that it does not count.
    /// - Returns: nil where no answer that was taken in has the code.
    func sight(of code: ReceiptCode) async throws -> ReceiptSight? {
        let rows = try await pool.query(
            """
            select i.*, true as is_answered, s.number, coalesce(r.state, 'excluded') as state,
                coalesce(r.answered_at, s.submitted_at) as answered_at, v.answers, v.comment,
                exists (
                    select from response_values as k where k.response = d.response and k.salt is not null
                        and coalesce(k.publisher, k.given_by) = \(PagesPublisher.name)
                ) as is_kept
            from invitation_submissions as s join invitations as i using (invitation)
            join identities as d on d.key = identity_key(
                \(PagesPublisher.name), \(PagesPublisher.source), s.invitation::text || '.' || s.number)
            left join responses as r on d.outcome = 'accepted' and r.publisher = \(PagesPublisher.name)
                and r.experiment = i.experiment and r.participant = i.participant
                and r.instrument = i.instrument and r.occasion = i.occasion and r.response = d.response
            left join lateral (
                select answers, comment from response_values as v where v.response = r.response
                order by v.version desc limit 1
            ) as v on true
            where s.code_hash = \(Secrets.hash(code)) and (r.response is not null or d.outcome = 'excluded')
            """)
        guard let row = rows.first else { return nil }
        let answers: String? = try row.get("answers")
        let comment: String? = try row.get("comment")
        return ReceiptSight(
            invitation: try Invitation(row), number: Int(try row.get("number", as: Int32.self)),
            standing: try row.get("state"), answeredAt: try row.get("answered_at"),
            isKept: try row.get("is_kept"),
            values: answers.map { GiverEntry(choices: Self.choices($0), comment: comment ?? "") })
    }

    /// `[5,1,null]`, as the intake stores it.
    private static func choices(_ text: String) -> [Int?] {
        text.dropFirst().dropLast().split(separator: ",").map { Int($0) }
    }
}
