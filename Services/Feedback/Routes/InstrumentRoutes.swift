import FeedbackDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// Instruments that responses are scored by: read by whoever plans a protocol, published once and for ever.
struct InstrumentRoutes: Sendable {
    private struct Instruments: Encodable {
        let items: [Instrument]
    }

    let pool: PostgresPool
    let clock: ProgrammeClock
    private let instruments = InstrumentStore()

    init(pool: PostgresPool, clock: ProgrammeClock) {
        self.pool = pool
        self.clock = clock
    }

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/instruments").get(use: list).post(use: publish).get("{name}/{version}", use: show)
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require()
        return try JSONResponse(Instruments(items: try await instruments.all(in: pool))).response()
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require()
        let (name, version) = (try context.parameter("name"), try context.parameter("version"))
        let found = try await instruments.all(in: pool).first { $0.name == name && $0.version == version }
        guard let found else { throw Problem.notFound("instrument") }
        return try JSONResponse(found).response()
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let caller = try context.require(.administrator, .operator)
        let command = try await IdempotentCommand(request, context)
        let instrument = try command.decode(Instrument.self)
        do { try instrument.checkPublishable() } catch { throw Problem.invalid(error.field, expected: error.expected) }
        let publication = InstrumentStore.Context(actor: caller.subject, now: clock.now(), cause: context.cause)
        return try await command.run(on: pool) { transaction in
            switch try await instruments.publish(instrument, publication, in: transaction) {
            case .published:
                return try CommandResponse.created(
                    instrument, at: "/v1/instruments/\(instrument.name)/\(instrument.version)", version: 1)
            case .publishedBefore: return try CommandResponse.ok(instrument, version: 1)
            case .taken:
                throw Problem.conflict(
                    "instrument-published", "Another instrument stands under this name and version",
                    detail: "a published instrument never changes, since responses were scored by it"
                ).at("/version").mending("publish the change under a new version")
            }
        }
    }
}
