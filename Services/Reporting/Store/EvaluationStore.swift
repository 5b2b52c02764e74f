import Events
import FoundationEssentials
import Outbox
import Postgres
import ReportingDomain

/// Evaluations of experiments, with everything that was published.
struct EvaluationStore: Sendable {
    /// The experiment's evaluation, or its next version.
    /// - Returns: nil when the experiment is not known.
    /// - Throws: the domain's refusal.
    func publish(
        _ content: EvaluationContent, of experiment: UUID, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> Evaluation? {
        let facts = try await FactStore.all(EvaluatedExperiment.kinds, key: experiment.figureText, in: transaction)
        guard let experiment = EvaluatedExperiment(experiment, facts: facts) else { return nil }
        let publication = try experiment.publish(content, by: context.actor, at: context.now)
        let evaluation = try await number(publication, of: experiment, in: transaction)
        try await transaction.query(
            """
            insert into evaluation_versions (evaluation, version, document_reference, conclusion, summary,
                published_by, published_at)
            values (\(evaluation.id), \(evaluation.version), \(content.documentReference),
                \(content.conclusion.rawValue), \(content.summary), \(publication.publishedBy),
                \(publication.publishedAt))
            """)
        let event = EvaluationPublished(
            evaluation: evaluation.id, experiment: evaluation.experiment, agreement: evaluation.agreement,
            publishedAt: publication.publishedAt)
        try await EventLog.append([context.event(event, about: evaluation.id)], in: transaction)
        return evaluation
    }

    /// Draws the version; whoever publishes the same evaluation meanwhile waits for this transaction.
    private func number(
        _ publication: EvaluationPublication, of experiment: EvaluatedExperiment, in transaction: PostgresTransaction
    ) async throws -> Evaluation {
        let rows = try await transaction.query(
            """
            insert into evaluations as e (id, experiment, agreement, version)
            values (\(EventID.next(at: publication.publishedAt)), \(experiment.experiment), \(experiment.agreement), 1)
            on conflict (experiment) do update set version = e.version + 1
            returning id, version
            """)
        return Evaluation(
            id: try rows[0].get("id"), experiment: experiment.experiment, agreement: experiment.agreement,
            version: try rows[0].get("version"), publication: publication)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Evaluation? {
        try await session.query("\(shared: Self.joined) where e.id = \(id)").first.map(Evaluation.init(row:))
    }

    /// In the order in which they were first published.
    func list(
        of experiment: UUID?, after position: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [(position: Int64, evaluation: Evaluation)] {
        try await session.query(
            """
            \(shared: Self.joined)
            where e.position > \(position) and (\(experiment) is null or e.experiment = \(experiment))
            order by e.position limit \(limit)
            """
        ).map { (try $0.get("position"), try Evaluation(row: $0)) }
    }

    private static let joined: StaticString = """
        select e.*, v.document_reference, v.conclusion, v.summary, v.published_by, v.published_at
        from evaluations as e join evaluation_versions as v on v.evaluation = e.id and v.version = e.version
        """
}

extension Evaluation {
    /// A row of `evaluations` joined with its last version.
    fileprivate init(row: PostgresRow) throws {
        self.init(
            id: try row.get("id"), experiment: try row.get("experiment"), agreement: try row.get("agreement"),
            version: try row.get("version"),
            publication: EvaluationPublication(
                EvaluationContent(
                    documentReference: try row.get("document_reference"), conclusion: try row.get("conclusion"),
                    summary: try row.get("summary")),
                by: try row.get("published_by"), at: try row.get("published_at")))
    }
}
