import HTTPDefaults
import Hummingbird
import Identity

/// How many answered, for those who run the experiment.
struct ResponsesRoutes: Sendable {
    let readings: FeedbackReadings

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/experiments/{id}/responses/summary", use: summary)
    }

    @Sendable private func summary(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .siteManager)
        guard let summary = try await readings.summary(of: context.uuid("id")) else {
            throw Problem.notFound("experiment")
        }
        return try JSONResponse(summary).response()
    }
}
