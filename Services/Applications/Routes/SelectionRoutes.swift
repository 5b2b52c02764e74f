import ApplicationsDomain
import Events
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/applications/{id}/…`: eligibility, reviews, recommendation and decision.
struct SelectionRoutes: Sendable {
    let applications: ApplicationStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/applications/{id}")
            .post("eligibility", use: decideEligibility)
            .post("reviews", use: review)
            .get("reviews", use: reviews)
            .post("recommendation", use: recommend)
            .post("decision", use: decide)
    }

    private struct EligibilityAnswer: Encodable {
        let id: String
        let version: Int64
        let state: String
        let isEligible: Bool
        let reasons: [String]
    }

    @Sendable private func decideEligibility(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .operator)
        let command = try await ChangeCommand(request, context)
        let target = ApplicationTarget(
            id: try context.uuid("id"), viewer: viewer, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let application = try await applications.decideEligibility(
                target, context: commandContext, in: transaction)
            let reasons = application.eligibility?.reasons ?? []
            let answer = EligibilityAnswer(
                id: application.id.lowercase, version: application.version, state: application.state.rawValue,
                isEligible: reasons.isEmpty, reasons: reasons.map(\.rawValue))
            return try .ok(answer, version: application.version)
        }
    }

    @Sendable private func review(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .reviewer)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(ReviewBody.self)
        let target = ApplicationTarget(id: try context.uuid("id"), viewer: viewer, expectedVersion: nil)
        let commandContext = context.command(at: clock)
        let review = body.command(id: EventID.next(at: commandContext.now), reviewer: viewer)
        return try await command.run(on: pool) { transaction in
            _ = try await applications.review(target, review, context: commandContext, in: transaction)
            let view = ReviewView(Review(review, givenAt: commandContext.now))
            return try .created(view, at: "/v1/applications/\(target.id.lowercase)/reviews", version: view.version)
        }
    }

    @Sendable private func reviews(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .reviewer, .committee, .decisionMaker, .operator)
        guard let (application, _) = try await applications.find(context.uuid("id"), viewer: viewer, in: pool),
            let sight = application.sight(of: viewer)
        else { throw Problem.notFound("application") }
        let shown = application.visibleReviews(sight, viewer: viewer).map { ReviewView($0) }
        return try JSONResponse(["items": shown]).response()
    }

    private struct RecommendationBody: Decodable {
        let recommendation: String
        let rank: Int?
    }

    @Sendable private func recommend(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .committee)
        let command = try await ChangeCommand(request, context)
        let body = try command.decode(RecommendationBody.self)
        let outcome = try Outcome(body.recommendation, at: "/recommendation")
        let target = ApplicationTarget(
            id: try context.uuid("id"), viewer: viewer, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let application = try await applications.recommend(
                target, outcome: outcome, rank: body.rank, context: commandContext, in: transaction)
            return try .ok(view(application, for: viewer), version: application.version)
        }
    }

    private struct DecisionBody: Decodable {
        let outcome: String
        let rank: Int?
        let reason: String?
    }

    @Sendable private func decide(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .decisionMaker)
        let command = try await ChangeCommand(request, context)
        let body = try command.decode(DecisionBody.self)
        let outcome = try Outcome(body.outcome, at: "/outcome")
        let target = ApplicationTarget(
            id: try context.uuid("id"), viewer: viewer, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let application = try await applications.decide(
                target, (outcome, body.rank, body.reason), context: commandContext, in: transaction)
            return try .ok(view(application, for: viewer), version: application.version)
        }
    }

    private func view(
        _ application: ApplicationsDomain.Application, for viewer: ApplicationViewer
    ) throws -> ApplicationView {
        guard let sight = application.sight(of: viewer) else { throw Problem.notFound("application") }
        return ApplicationView(application, sight, viewer: viewer)
    }
}
