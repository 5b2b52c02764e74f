import ApplicationsDomain
import FoundationEssentials
import Outbox
import Postgres

/// Which application a command is about, who asks, and which version they saw.
struct ApplicationTarget: Sendable {
    let id: UUID
    let viewer: ApplicationViewer
    /// nil for what does not change the aggregate, such as a review.
    let expectedVersion: Int64?
}

/// Applications with everything that belongs to them.
struct ApplicationStore: Sendable {
    let calls = CallStore()
    let ruleSets = RuleSetStore()
    let stateAid = StateAidRulesStore()

    func insert(_ application: Application, context: CommandContext, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into applications (id, call, owner_subject, owner_organisation, version, state, content, created_at,
                changed_at)
            values (\(application.id), \(application.call), \(application.owner.subject),
                \(application.owner.organisation), \(application.version), \(application.state.rawValue),
                \(try PostgresJSON(encoding: application.content.withoutContact)), \(context.now), \(context.now))
            """)
        try await saveContact(of: application, in: session)
    }

    /// The application with its call, if this person may see it.
    func find(
        _ id: UUID, viewer: ApplicationViewer, in session: some PostgresSession
    ) async throws -> (application: Application, call: Call)? {
        let rows = try await session.query(
            """
            select a.*, c.version as call_version, c.wave, c.title as call_title, c.opens_at, c.deadline, c.grace_until,
                c.places_target, c.animation_envelope_cents, c.experiments_envelope_cents
            from applications a join calls c on c.id = a.call where a.id = \(id)
            """)
        guard let row = rows.first else { return nil }
        let application = try await load(row, in: session)
        return application.sight(of: viewer) == nil ? nil : (application, try Call(row: row))
    }

    /// Decides a command about an application that is locked from here to the end of the transaction, saves what
    /// follows from it, and appends its event.
    /// - Throws: `StoreRefusal`, or the domain's refusal.
    func change(
        _ target: ApplicationTarget, context: CommandContext, in transaction: PostgresTransaction,
        by command: (Application, Call) async throws -> ApplicationCommand
    ) async throws -> Application {
        var (application, call) = try await lock(target.id, in: transaction)
        guard application.sight(of: target.viewer) != nil else { throw StoreRefusal.notFound(noun: "application") }
        if let expected = target.expectedVersion, expected != application.version {
            throw StoreRefusal.versionMismatch(current: application.version)
        }
        let fact = try application.decide(try await command(application, call), at: context.now)
        application.evolve(fact)
        try await save(application, fact, context: context, in: transaction)
        if let event = application.event(of: fact, context: context) {
            try await EventLog.append([event], in: transaction)
        }
        return application
    }

    /// What belongs to it is read by a second statement: after waiting for the lock, one statement would show the
    /// locked row as it is now and all joined rows as they were before.
    func lock(
        _ id: UUID, in session: some PostgresSession
    ) async throws -> (application: Application, call: Call) {
        let rows = try await session.query(
            """
            select a.*, c.version as call_version, c.wave, c.title as call_title, c.opens_at, c.deadline, c.grace_until,
                c.places_target, c.animation_envelope_cents, c.experiments_envelope_cents
            from applications a join calls c on c.id = a.call where a.id = \(id) for no key update of a
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "application") }
        return (try await load(row, in: session), try Call(row: row))
    }

    private func load(_ row: PostgresRow, in session: some PostgresSession) async throws -> Application {
        var application = try Application(row: row)
        let id = application.id
        let parts = try await session.query(
            """
            select d.number, d.canonical, d.receipt, d.submitted_at, k.application as contact, k.name as contact_name,
                k.email as contact_email, e.reasons, e.decided_by as eligibility_by, e.decided_at as eligibility_at,
                r.outcome as recommended_outcome, r.rank as recommended_rank, r.review_count, r.mean_score_hundredths,
                r.recommended_by, r.recommended_at, s.outcome as decided_outcome, s.rank as decided_rank,
                s.reason as decided_reason, s.decided_by, s.decided_at
            from (values (\(id))) as one (application)
            left join lateral (
                select * from deposits where application = one.application order by number desc limit 1) d on true
            left join application_contacts k on k.application = one.application
            left join eligibility_decisions e on e.application = one.application
            left join recommendations r on r.application = one.application
            left join decisions s on s.application = one.application
            """)
        if let row = parts.first { try application.add(parts: row) }
        // Nobody reviews before the eligibility is decided, and most commands come before.
        guard application.eligibility != nil else { return application }
        application.reviews = try await session.query(
            "select * from reviews where application = \(id) order by given_at, id"
        ).map(Review.init(row:))
        return application
    }
}
