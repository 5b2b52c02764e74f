import ApplicationsDomain
import Events
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/calls`
struct CallRoutes: Sendable {
    let calls: CallStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/calls").post(use: publish).get(use: list).get("{id}", use: show)
    }

    private struct Body: Decodable {
        let wave: Int
        let title: String
        let opensAt: Date
        let deadline: Date
        let graceUntil: Date
        let placesTarget: Int
        let animationEnvelopeCents: Int64
        let experimentsEnvelopeCents: Int64

        var command: PublishCall {
            PublishCall(
                wave: wave, title: title, window: (opensAt, deadline, graceUntil), placesTarget: placesTarget,
                envelopeCents: (animationEnvelopeCents, experimentsEnvelopeCents))
        }
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(Body.self)
        let commandContext = context.command(at: clock)
        let call = try Call.publish(body.command, id: EventID.next(at: commandContext.now))
        return try await command.run(on: pool) { transaction in
            try await calls.insert(call, context: commandContext, in: transaction)
            return try .created(
                CallView(call, at: commandContext.now), at: "/v1/calls/\(call.id.lowercase)", version: call.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<CallView> {
        _ = try context.require()
        let page = try request.page()
        let now = clock.now()
        let found = try await calls.list(
            after: page.after?.position() ?? 0, limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map { CallView($0.call, at: now) }, next: next)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require()
        guard let call = try await calls.find(context.uuid("id"), in: pool) else { throw Problem.notFound("call") }
        return try JSONResponse(CallView(call, at: clock.now()), version: call.version).response()
    }
}

struct CallView: Encodable, Sendable {
    let id: String
    let version: Int64
    /// As of the moment of the answer.
    let state: String
    let wave: Int
    let title: String
    let opensAt: Date
    let deadline: Date
    let graceUntil: Date
    let placesTarget: Int
    let animationEnvelopeCents: Int64
    let experimentsEnvelopeCents: Int64

    init(_ call: Call, at now: Date) {
        id = call.id.lowercase
        version = call.version
        state = call.state(at: now).rawValue
        wave = call.wave
        title = call.title
        opensAt = call.opensAt
        deadline = call.deadline
        graceUntil = call.graceUntil
        placesTarget = call.placesTarget
        animationEnvelopeCents = call.animationEnvelopeCents
        experimentsEnvelopeCents = call.experimentsEnvelopeCents
    }
}
