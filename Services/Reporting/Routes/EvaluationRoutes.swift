import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ReportingDomain
import ServiceRuntime

/// `/v1/evaluations`
struct EvaluationRoutes: Sendable {
    let evaluations: EvaluationStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/evaluations").post(use: publish).get(use: list).get("{id}", use: show)
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(EvaluationBody.self)
        let content = try body.content()
        let commandContext = CommandContext(actor: context.actor, cause: context.cause, now: clock.now())
        return try await command.run(on: pool) { transaction in
            guard
                let evaluation = try await evaluations.publish(
                    content, of: body.experiment, context: commandContext, in: transaction)
            else { throw Problem.notFound("experiment") }
            let view = EvaluationView(evaluation)
            guard view.version == 1 else { return try .ok(view, version: view.version) }
            return try .created(view, at: "/v1/evaluations/\(view.id)", version: view.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.requireProgrammeReader()
        guard let evaluation = try await evaluations.find(context.uuid("id"), in: pool) else {
            throw Problem.notFound("evaluation")
        }
        return try JSONResponse(EvaluationView(evaluation), version: evaluation.version).response()
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<EvaluationView> {
        _ = try context.requireProgrammeReader()
        let page = try request.page()
        let found = try await evaluations.list(
            of: request.experiment(), after: page.after?.position() ?? 0, limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map { EvaluationView($0.evaluation) }, next: next)
    }
}

extension Request {
    /// The experiment to filter by; nil when none is asked for.
    fileprivate func experiment() throws(Problem) -> UUID? {
        guard let text = uri.queryParameters["experiment"] else { return nil }
        guard let id = UUID(uuidString: String(text)) else {
            throw Problem(.badRequest, "bad-filter", "The filter experiment is not a UUID")
        }
        return id
    }
}

/// An evaluation as it is sent.
struct EvaluationBody: Decodable {
    let experiment: UUID
    let documentReference: String
    let conclusion: String
    let summary: String

    func content() throws(Problem) -> EvaluationContent {
        guard let conclusion = EvaluationConclusion(rawValue: conclusion) else {
            let list = EvaluationConclusion.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("/conclusion", expected: "one of: \(list)")
        }
        return EvaluationContent(documentReference: documentReference, conclusion: conclusion, summary: summary)
    }
}

struct EvaluationView: Encodable, Sendable {
    let id: String
    let version: Int64
    let experiment: String
    let agreement: String
    let documentReference: String
    let conclusion: String
    let summary: String
    let publishedAt: Date

    init(_ evaluation: Evaluation) {
        id = evaluation.id.figureText
        version = evaluation.version
        experiment = evaluation.experiment.figureText
        agreement = evaluation.agreement.figureText
        let content = evaluation.publication.content
        documentReference = content.documentReference
        conclusion = content.conclusion.rawValue
        summary = content.summary
        publishedAt = evaluation.publication.publishedAt
    }
}

extension EvaluationError: ProblemConvertible {
    var problem: Problem {
        let explanation = explanation
        var problem = Problem(
            explanation.isConflict ? .conflict : .unprocessableContent, explanation.slug, explanation.title
        ).mending(explanation.mend)
        if let field = explanation.field { problem = problem.at(field) }
        return problem
    }
}
