import HTTPDefaults
import Hummingbird
import Identity

/// Refused messages, with identifiers masked. They may hold what a person wrote, so none but their publisher and the
/// operator see them.
struct QuarantineRoutes: Sendable {
    let readings: FeedbackReadings
    let access: PublisherAccess

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/quarantine", use: list)
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.publisher(request, context, orRoles: .operator)
        let page = try request.page()
        let messages = try await readings.quarantine(
            of: publisher, before: page.after.map { cursor throws(Problem) in try cursor.position() }, limit: page.limit
        )
        let next = messages.count == page.limit ? messages.last.map { Cursor(position: $0.position) } : nil
        return try JSONResponse(PageResponse(messages, next: next)).response()
    }
}
