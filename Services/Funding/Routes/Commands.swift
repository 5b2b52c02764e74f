import HTTPDefaults
import HTTPTypes
import Hummingbird
import Postgres
import ServiceRuntime

/// What all routes of the service do alike: who acts and when, and commands that take effect once.
struct Commands: Sendable {
    let pool: PostgresPool
    let clock: ProgrammeClock

    func context(_ context: MaillageContext) -> CommandContext {
        CommandContext(actor: context.actor, cause: context.cause, now: clock.now())
    }

    /// Changes an aggregate whose version guards it (`If-Match`). An `Idempotency-Key` is honoured when there is one;
    /// without it a repeated request is refused by the version.
    func change<Body: Decodable & Sendable, View: Encodable>(
        _ request: Request, _ context: MaillageContext, _ body: Body.Type,
        _ apply: (Body, PostgresTransaction) async throws -> Versioned<View>
    ) async throws -> Response {
        guard request.headers[.idempotencyKey] == nil else {
            let command = try await IdempotentCommand(request, context)
            let body = try command.decode(Body.self)
            return try await command.run(on: pool) { transaction in
                let view = try await apply(body, transaction)
                return try CommandResponse.ok(view.value, version: view.version)
            }
        }
        let body = try await request.decode(as: Body.self, context: context)
        let view = try await pool.withTransaction { try await apply(body, $0) }
        return try JSONResponse(view.value, version: view.version).response()
    }

    /// As `change` with a body, for changes that need none.
    func change<View: Encodable>(
        _ request: Request, _ context: MaillageContext,
        _ apply: (PostgresTransaction) async throws -> Versioned<View>
    ) async throws -> Response {
        guard request.headers[.idempotencyKey] == nil else {
            let command = try await IdempotentCommand(request, context)
            return try await command.run(on: pool) { transaction in
                let view = try await apply(transaction)
                return try CommandResponse.ok(view.value, version: view.version)
            }
        }
        let view = try await pool.withTransaction { try await apply($0) }
        return try JSONResponse(view.value, version: view.version).response()
    }
}
