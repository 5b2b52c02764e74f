import ApplicationsDomain
import Postgres

/// How what happened to an application becomes rows.
extension ApplicationStore {
    func save(
        _ application: Application, _ fact: ApplicationFact, context: CommandContext, in session: some PostgresSession
    ) async throws {
        switch fact {
        case .revised: try await saveContact(of: application, in: session)
        case .deposited(let deposit): try await insert(deposit, of: application, in: session)
        case .eligibilityDecided(let eligibility): try await insert(eligibility, of: application, in: session)
        case .reviewed(let review):
            // An aggregate of its own: the application stays as it is.
            return try await insert(review, of: application, in: session)
        case .recommended(let recommendation): try await insert(recommendation, of: application, in: session)
        case .decided(let decision): try await insert(decision, of: application, in: session)
        case .contracted: break
        }
        try await session.query(
            """
            update applications set version = \(application.version), state = \(application.state.rawValue),
                content = \(try PostgresJSON(encoding: application.content.withoutContact)), changed_at = \(context.now)
            where id = \(application.id)
            """)
    }

    func saveContact(of application: Application, in session: some PostgresSession) async throws {
        guard let contact = application.content.contact else {
            try await session.query("delete from application_contacts where application = \(application.id)")
            return
        }
        try await session.query(
            """
            insert into application_contacts (application, name, email)
            values (\(application.id), \(contact.name), \(contact.email))
            on conflict (application) do update set name = excluded.name, email = excluded.email
            """)
    }

    private func insert(
        _ deposit: Deposit, of application: Application, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into deposits (application, number, canonical, receipt, submitted_at)
            values (\(application.id), \(deposit.number), \(deposit.canonical), \(deposit.receipt),
                \(deposit.submittedAt))
            """)
    }

    private func insert(
        _ eligibility: Eligibility, of application: Application, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into eligibility_decisions (application, reasons, decided_by, decided_at)
            values (\(application.id), \(eligibility.reasons.map(\.rawValue)), \(eligibility.decidedBy),
                \(eligibility.decidedAt))
            """)
    }

    private func insert(
        _ review: Review, of application: Application, in session: some PostgresSession
    ) async throws {
        let scores = review.scores
        try await session.query(
            """
            insert into reviews (id, application, reviewer, organisation, declared_conflict, organisation_ties, impact,
                quality, economics, network, comment, given_at)
            values (\(review.id), \(application.id), \(review.reviewer), \(review.organisation),
                \(review.declaredConflict), \(review.organisationTies), \(scores?.impact), \(scores?.quality),
                \(scores?.economics), \(scores?.network), \(review.comment), \(review.givenAt))
            """)
    }

    private func insert(
        _ recommendation: Recommendation, of application: Application, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into recommendations (application, call, outcome, rank, review_count, mean_score_hundredths,
                recommended_by, recommended_at)
            values (\(application.id), \(application.call), \(recommendation.outcome.rawValue),
                \(recommendation.rank), \(recommendation.reviewCount), \(recommendation.meanScoreHundredths),
                \(recommendation.recommendedBy), \(recommendation.recommendedAt))
            """)
    }

    private func insert(
        _ decision: Decision, of application: Application, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into decisions (application, call, outcome, rank, reason, recommended_by, decided_by, decided_at)
            values (\(application.id), \(application.call), \(decision.outcome.rawValue), \(decision.rank),
                \(decision.reason), \(application.recommendation?.recommendedBy), \(decision.decidedBy),
                \(decision.decidedAt))
            """)
    }
}
