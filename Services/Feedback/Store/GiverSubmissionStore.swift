import Events
import FeedbackDomain
import FoundationEssentials
import Postgres
import ServiceRuntime

/// One thing that somebody sends: an answer, its correction, or its withdrawal.
struct GiverSubmission: Sendable {
    enum Kind: String, Sendable {
        case answer, correction, withdrawal
    }

    let kind: Kind
    /// The secret that the form carried.
    let form: SecretWord
    /// Empty for a withdrawal.
    var answers: [Int?] = []
    var comment: String?

    /// What tells two contents apart.
    var contentText: String { "\(kind.rawValue)\n\(AnswerText.of(answers))\n\(comment ?? "")" }
}

/// What became of it.
enum GiverOutcome: Sendable, Equatable {
    case accepted
    /// Kept until what it refers to is known.
    case waiting
    /// With the slug of the intake's reason.
    case refused(String)
    /// The same form was sent before, with something else in it; what came first holds.
    case changedMeanwhile
    /// The link was used too often.
    case exhausted
}

/// Sends what people enter through the intake, as the publisher `pages`: every rule of the intake holds for them.
struct GiverSubmissionStore: Sendable {
    /// Corrections of one answer, and answers that were refused.
    private static let numberMax = 100

    /// What is entered takes the way of every event that somebody waits for.
    let door: EventDoor
    private var intake: IntakeStore { door.intake }
    private var pool: PostgresPool { intake.pool }

    /// What a link or code leads to, as the intake needs it.
    struct Target: Sendable {
        let invitation: Invitation
        /// The number of the answer that is corrected or taken back.
        var original: Int?
    }

    private struct Begun {
        let number: Int
        let submittedAt: Date
    }

    /// The same form sent twice, at the same time too, is one event.
    func send(_ submission: GiverSubmission, to target: Target) async throws -> GiverOutcome {
        let begun: Begun
        switch try await begin(submission, of: target.invitation.id) {
        case .success(let value): begun = value
        case .failure(let outcome): return outcome.outcome
        }
        guard let pseudonym = try await pseudonym(of: target.invitation) else { return .refused("unknown-participant") }
        let message = GiverMessage(
            submission, number: begun.number, at: begun.submittedAt, pseudonym: pseudonym, target: target)
        _ = try await door.take([OutsideMessage(body: try message.encoded())], from: PagesPublisher.name)
        return try await outcome(of: message.id)
    }

    private struct Stopped: Error {
        let outcome: GiverOutcome
    }

    private func begin(
        _ submission: GiverSubmission, of invitation: UUID
    ) async throws -> Result<Begun, Stopped> {
        let (formHash, contentHash) = (
            Secrets.hash(submission.form), intake.contentKey.hash(Array(submission.contentText.utf8), of: .form)
        )
        let codeHash = submission.kind == .answer ? Secrets.hash(Secrets.code(of: submission.form)) : nil
        let now = intake.clock.now()
        return try await pool.withTransaction { transaction in
            // One after the other: two clicks on one button come at the same time.
            try await transaction.query("select 1 as one from invitations where invitation = \(invitation) for update")
            let earlier = try await transaction.query(
                """
                select number, content_hash, submitted_at from invitation_submissions
                where invitation = \(invitation) and form_hash = \(formHash)
                """)
            if let row = earlier.first {
                guard try row.get("content_hash", as: [UInt8].self) == contentHash else {
                    return .failure(Stopped(outcome: .changedMeanwhile))
                }
                return .success(
                    Begun(
                        number: Int(try row.get("number", as: Int32.self)), submittedAt: try row.get("submitted_at")))
            }
            let inserted = try await transaction.query(
                """
                insert into invitation_submissions (invitation, number, kind, form_hash, content_hash, code_hash,
                    submitted_at)
                select \(invitation), n.number, \(submission.kind.rawValue), \(formHash), \(contentHash), \(codeHash),
                    \(now)
                from (
                    select coalesce(max(number), 0) + 1 as number from invitation_submissions
                    where invitation = \(invitation)
                ) as n
                where n.number <= \(Int32(Self.numberMax))
                returning number, submitted_at
                """)
            guard let row = inserted.first else { return .failure(Stopped(outcome: .exhausted)) }
            return .success(
                Begun(number: Int(try row.get("number", as: Int32.self)), submittedAt: try row.get("submitted_at")))
        }
    }

    private func pseudonym(of invitation: Invitation) async throws(PostgresError) -> String? {
        try await pool.query(
            """
            select pseudonym from participants
            where experiment = \(invitation.experiment) and participant = \(invitation.participant)
            """
        ).first?.get("pseudonym")
    }

    private func outcome(of event: String) async throws -> GiverOutcome {
        let rows = try await pool.query(
            """
            select outcome, reason from identities
            where key = identity_key(\(PagesPublisher.name), \(PagesPublisher.source), \(event))
            """)
        guard let row = rows.first else { return .waiting }
        switch try row.get("outcome", as: KnownIdentity.Outcome.self) {
        case .accepted: return .accepted
        case .waiting: return .waiting
        case .refused, .excluded: return .refused(try row.get("reason", as: String?.self) ?? "")
        }
    }

    /// Whether this form's answer was taken in, and when; for the page that follows.
    func answeredAt(_ form: SecretWord, of invitation: UUID) async throws(PostgresError) -> Date? {
        try await pool.query(
            """
            select s.submitted_at from invitation_submissions as s join identities as d
                on d.key = identity_key(
                    \(PagesPublisher.name), \(PagesPublisher.source), s.invitation::text || '.' || s.number)
            where s.invitation = \(invitation) and s.form_hash = \(Secrets.hash(form)) and s.kind = 'answer'
                and d.outcome in ('accepted', 'waiting')
            """
        ).first?.get("submitted_at")
    }
}
