import HTTPDefaults
import Hummingbird
import Identity

/// Refused messages as they came. They may hold what a person wrote, so they are the operator's alone.
struct QuarantineRoutes: Sendable {
    let readings: FeedbackReadings

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/quarantine", use: list)
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        guard let publisher = request.uri.queryParameters["publisher"].map(String.init), !publisher.isEmpty else {
            throw Problem.invalid("publisher", expected: "the name of a publisher, such as ?publisher=telehealth")
        }
        let page = try request.page()
        let messages = try await readings.quarantine(
            of: publisher, before: page.after.map { cursor throws(Problem) in try cursor.position() }, limit: page.limit
        )
        let next = messages.count == page.limit ? messages.last.map { Cursor(position: $0.position) } : nil
        return try JSONResponse(PageResponse(messages, next: next)).response()
    }
}
