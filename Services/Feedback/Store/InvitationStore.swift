import FeedbackDomain
import FoundationEssentials
import Postgres

/// Who makes or ends a link, and when.
struct InvitationAct: Sendable {
    let actor: String
    let now: Date
    let reach: ExperimentReach
}

/// Secret links, from the site's side.
struct InvitationStore: Sendable {
    /// A participant as the site names it: by the internal id or by the code that it gave out.
    enum ParticipantName: Sendable {
        case id(UUID)
        case code(String)
    }

    /// - Parameter link: shown to the caller once; its hash is what is kept.
    /// - Returns: nil where the experiment is unknown or out of reach.
    func create(
        _ request: InvitationRequest, for name: ParticipantName, link: SecretWord, by act: InvitationAct,
        in session: some PostgresSession
    ) async throws -> Invitation? {
        guard try await act.reach.contains(request.experiment, in: session) else { return nil }
        let calendar = try await calendar(
            of: request.experiment, instrument: request.instrument, occasion: request.occasion, in: session)
        guard let participant = try await participant(name, in: request.experiment, session) else {
            throw InvitationRefusal.unknownParticipant
        }
        let endsAt = try request.check(calendar, covers: participant.covers, now: act.now)
        let invitation = Invitation(
            id: UUID(), experiment: request.experiment, participant: participant.id, instrument: request.instrument,
            occasion: request.occasion, language: request.language, createdAt: act.now, expiresAt: endsAt)
        guard try await !isAnswered(invitation, in: session) else { throw InvitationRefusal.alreadyAnswered }
        try await insert(invitation, link: link, by: act, in: session)
        return invitation
    }

    private func insert(
        _ invitation: Invitation, link: SecretWord, by act: InvitationAct, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            update invitations set withdrawn_at = \(act.now)
            where experiment = \(invitation.experiment) and participant = \(invitation.participant)
                and instrument = \(invitation.instrument) and occasion = \(invitation.occasion)
                and withdrawn_at is null and expires_at <= \(act.now)
            """)
        let inserted = try await session.query(
            """
            insert into invitations (invitation, experiment, participant, instrument, occasion, language, token_hash,
                created_at, created_by, expires_at)
            values (\(invitation.id), \(invitation.experiment), \(invitation.participant), \(invitation.instrument),
                \(invitation.occasion), \(invitation.language?.rawValue), \(Secrets.hash(link)),
                \(invitation.createdAt), \(act.actor), \(invitation.expiresAt))
            on conflict (experiment, participant, instrument, occasion) where withdrawn_at is null do nothing
            """)
        guard inserted.affectedCount == 1 else { throw InvitationRefusal.alreadyInvited }
    }

    /// Ends a link at once; one that ended already stays as it is.
    /// - Returns: nil where there is none within reach.
    func withdraw(
        _ id: UUID, by act: InvitationAct, in session: some PostgresSession
    ) async throws -> Invitation? {
        let rows = try await session.query(
            "select experiment from invitations where invitation = \(id) for update")
        guard let row = rows.first, try await act.reach.contains(row.get("experiment"), in: session) else {
            return nil
        }
        try await session.query(
            "update invitations set withdrawn_at = coalesce(withdrawn_at, \(act.now)) where invitation = \(id)")
        try await session.query("delete from invitation_drafts where invitation = \(id)")
        return try await invitations(
            session.query(
                """
                select i.*, exists(\(shared: Self.answered)) as is_answered
                from invitations as i where i.invitation = \(id)
                """)
        ).first?.invitation
    }

    /// Oldest first, without any link.
    /// - Returns: nil where the experiment is unknown or out of reach.
    func list(
        of experiment: UUID, after: Int64, limit: Int, reach: ExperimentReach, in session: some PostgresSession
    ) async throws -> [(position: Int64, invitation: Invitation)]? {
        guard try await reach.contains(experiment, in: session) else { return nil }
        return try await invitations(
            session.query(
                """
                select i.*, exists(\(shared: Self.answered)) as is_answered
                from invitations as i where i.experiment = \(experiment) and i.position > \(after)
                order by i.position limit \(limit)
                """))
    }

    /// Whether the response was given that the link is for; one that was taken back was given all the same.
    static let answered: StaticString = """
        select from responses as r where r.experiment = i.experiment and r.participant = i.participant
            and r.instrument = i.instrument and r.occasion = i.occasion and r.state <> 'excluded'
        """

    private func invitations(
        _ rows: PostgresRows
    ) throws(PostgresError) -> [(position: Int64, invitation: Invitation)] {
        var invitations: [(position: Int64, invitation: Invitation)] = []
        for row in rows { invitations.append((try row.get("position"), try Invitation(row))) }
        return invitations
    }

    private func isAnswered(
        _ invitation: Invitation, in session: some PostgresSession
    ) async throws(PostgresError) -> Bool {
        let rows = try await session.query(
            """
            select 1 as one from responses where experiment = \(invitation.experiment)
                and participant = \(invitation.participant) and instrument = \(invitation.instrument)
                and occasion = \(invitation.occasion) and state <> 'excluded'
            """)
        return !rows.isEmpty
    }

    private func participant(
        _ name: ParticipantName, in experiment: UUID, _ session: some PostgresSession
    ) async throws(PostgresError) -> (id: UUID, covers: Bool)? {
        let (id, code): (UUID?, String?) =
            switch name {
            case .id(let id): (id, nil)
            case .code(let code): (nil, code)
            }
        let rows = try await session.query(
            """
            select p.participant, p.consent_scope as given, v.consent_scope as required
            from participants as p join experiments as e using (experiment)
            left join protocol_versions as v on v.experiment = e.experiment and v.version = e.protocol_version
            where p.experiment = \(experiment) and (p.participant = \(id) or p.pseudonym = \(code))
            """)
        guard let row = rows.first else { return nil }
        let required: String? = try row.get("required")
        let facts = ParticipantFacts(
            participant: try row.get("participant"), consentScope: try row.get("given"), consentedAt: .distantPast)
        return (facts.participant, facts.consents(to: required ?? "", at: .distantFuture))
    }

    /// When the experiment takes answers to the instrument at the occasion.
    func calendar(
        of experiment: UUID, instrument: String, occasion: String, in session: some PostgresSession
    ) async throws(PostgresError) -> AnswerCalendar {
        let rows = try await session.query(
            """
            select e.started_at, e.completed_at, w.opens_day, w.closes_day
            from experiments as e left join measure_windows as w
                on w.experiment = e.experiment and w.version = e.protocol_version
                    and w.instrument = \(instrument) and w.occasion = \(occasion)
            where e.experiment = \(experiment)
            """)
        var calendar = AnswerCalendar(startedAt: nil, completedAt: nil, windows: [])
        for row in rows {
            calendar.startedAt = try row.get("started_at")
            calendar.completedAt = try row.get("completed_at")
            guard let opensDay: Int32 = try row.get("opens_day") else { continue }
            calendar.windows.append(
                .init(opensDay: Int(opensDay), closesDay: Int(try row.get("closes_day", as: Int32.self))))
        }
        return calendar
    }
}

extension Invitation {
    /// A row of `invitations` with `is_answered`.
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.get("invitation"), experiment: try row.get("experiment"),
            participant: try row.get("participant"), instrument: try row.get("instrument"),
            occasion: try row.get("occasion"), language: try row.get("language"), createdAt: try row.get("created_at"),
            expiresAt: try row.get("expires_at"), withdrawnAt: try row.get("withdrawn_at"),
            isAnswered: try row.get("is_answered"))
    }
}
