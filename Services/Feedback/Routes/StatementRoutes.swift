import Events
import HTTPDefaults
import Hummingbird
import Identity

/// `/v1/statements/{day}`: what both sides compare at the end of a day.
struct StatementRoutes: Sendable {
    let statements: StatementStore
    let access: PublisherAccess

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/statements/{day}", use: show)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.publisher(request, context, orRoles: .operator, .administrator)
        let text = try context.parameter("day")
        guard text.utf8.count == 10, let day = WireInstant.parse("\(text)T00:00:00Z") else {
            throw Problem.invalid("day", expected: "a day such as 2026-11-21")
        }
        return try JSONResponse(await statements.statement(of: publisher, on: day, named: text)).response()
    }
}
