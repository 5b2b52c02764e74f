import CofundingRules
import Events
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import StateAidWire

/// The State-aid rules in force, those before them and those to come.
struct StateAidRulesRoutes: Sendable {
    let rules: StateAidRulesStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/state-aid-rules").get(use: list).post(use: publish).get("{name}", use: show)
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        // The event's own form: what is published is what everybody hears.
        let published = try StateAidRules(command.decode(StateAidRulesPublished.self))
        return try await command.run(on: commands.pool) { transaction in
            try await rules.publish(published, commands.context(context), in: transaction)
            return try CommandResponse.created(
                StateAidRulesView(published), at: "/v1/state-aid-rules/\(published.name)",
                version: StateAidRulesView.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<StateAidRulesView> {
        _ = try context.require()
        let all = try await StateAidRulesStore.all(in: commands.pool)
        return PageResponse(all.map { StateAidRulesView($0) }, next: nil)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require()
        let name = try context.parameter("name")
        let all = try await StateAidRulesStore.all(in: commands.pool)
        guard let found = all.first(where: { $0.name == name }) else {
            throw Problem.notFound("set of State-aid rules")
        }
        return try JSONResponse(StateAidRulesView(found), version: StateAidRulesView.version).response()
    }
}

struct StateAidRulesView: Encodable, Sendable {
    /// Published rules never change.
    static let version: Int64 = 1

    let id: String
    let version: Int64
    let state = "published"
    let stateAidRules: String
    let validFromDay: String
    let intensities: AidIntensityTerms
    let deMinimis: [DeMinimisTerms]

    init(_ rules: StateAidRules) {
        let payload = StateAidRulesPublished(rules)
        id = rules.name
        version = Self.version
        stateAidRules = payload.stateAidRules
        validFromDay = payload.validFromDay
        intensities = payload.intensities
        deMinimis = payload.deMinimis
    }
}
