import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import ReportingDomain
import ServiceRuntime

/// The programme at a glance: money against targets, places, experiments, what people said.
struct ProgrammeRoutes: Sendable {
    private struct Answer: Encodable {
        let asOf: Date
        let freshness: [OwnerFreshness]
        let programme: Programme

        private enum Keys: CodingKey { case asOf, freshness }

        func encode(to encoder: any Encoder) throws {
            try programme.encode(to: encoder)
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(asOf, forKey: .asOf)
            try container.encode(freshness, forKey: .freshness)
        }
    }

    let programmes: ProgrammeStore
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/programme", use: show)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reader = try context.requireProgrammeReader()
        let seesSmallCells = reader.has(.ministry) || reader.has(.operator)
        let now = clock.now()
        let (programme, freshness) = try await programmes.programme(asOf: now, hidesSmallCells: !seesSmallCells)
        return try JSONResponse(Answer(asOf: now, freshness: freshness, programme: programme)).response()
    }
}
