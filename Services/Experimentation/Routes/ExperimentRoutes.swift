import CofundingRules
import Events
import ExperimentationDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/experiments`: registration, protocol, start and end.
struct ExperimentRoutes: Sendable {
    let experiments: ExperimentStore
    let milestones: MilestoneStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/experiments")
            .post(use: register)
            .get(use: list)
            .get("{id}", use: show)
            .post("{id}/protocol", use: approveProtocol)
            .post("{id}/start", use: start)
            .post("{id}/complete", use: complete)
            .post("{id}/terminate", use: terminate)
    }

    @Sendable private func register(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let caller = try context.require(.siteManager)
        let reach = try SiteReach.ofOrganisation(caller)
        let command = try await IdempotentCommand(request, context)
        let registration = try command.decode(RegistrationBody.self).command(by: caller.subject)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let record = try await experiments.register(
                registration, reach: reach, context: commandContext, in: transaction)
            let rules = try await experiments.ruleSets.all(in: transaction)
            let estimate = record.experiment.cofundingEstimate(rules, at: commandContext.now)
            let view = ExperimentView(record, estimate: estimate, milestones: [])
            return try .created(view, at: "/v1/experiments/\(view.id)", version: view.version)
        }
    }

    @Sendable private func approveProtocol(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let caller = try context.require(.ethics)
        let command = try await ChangeCommand(request, context)
        let approval = try command.decode(ProtocolBody.self).command(by: caller.subject)
        return try await change(command, reach: .all, context) { _ in .approveProtocol(approval) }
    }

    @Sendable private func start(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.ofOrganisation(context.require(.siteManager))
        let command = try await ChangeCommand(request, context)
        return try await change(command, reach: reach, context) { .start(siteState: $0.site.state) }
    }

    @Sendable private func complete(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.ofOrganisation(context.require(.siteManager))
        let command = try await ChangeCommand(request, context)
        return try await change(command, reach: reach, context) { _ in .complete }
    }

    @Sendable private func terminate(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.running(context.require(.siteManager, .operator))
        let command = try await ChangeCommand(request, context)
        let reason = try command.decode(ReasonBody.self).reason
        return try await change(command, reach: reach, context) { _ in .terminate(reason: reason) }
    }

    private func change(
        _ command: ChangeCommand, reach: SiteReach, _ context: MaillageContext,
        by decision: @Sendable (ExperimentRecord) -> ExperimentCommand
    ) async throws -> Response {
        let target = CommandTarget(
            id: try context.uuid("id"), reach: reach, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let record = try await experiments.change(
                target, context: commandContext, in: transaction, by: decision)
            let reached = try await milestones.list(of: target.id, in: transaction)
            let view = ExperimentView(record, milestones: reached)
            return try .ok(view, version: view.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach(context.require(.siteManager, .operator, .ethics))
        let id = try context.uuid("id")
        let now = clock.now()
        let basis = try request.supposedBasis()
        // One snapshot: the parts of an experiment are read by several statements.
        return try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            guard let record = try await experiments.find(id, reach: reach, in: transaction) else {
                throw Problem.notFound("experiment")
            }
            let rules = try await experiments.ruleSets.all(in: transaction)
            let aid = try await supposition(basis, at: now, in: transaction)
            let view = ExperimentView(
                record, estimate: record.experiment.cofundingEstimate(rules, at: now, supposing: aid),
                milestones: try await milestones.list(of: id, in: transaction))
            return try JSONResponse(view, version: view.version).response()
        }
    }

    private func supposition(
        _ basis: AidBasis?, at now: Date, in transaction: PostgresTransaction
    ) async throws -> AidSupposition? {
        guard let basis else { return nil }
        let day = try await experiments.stateAid.day(of: now, in: transaction)
        let rules = try await experiments.stateAid.all(in: transaction).inForce(on: day)
        return AidSupposition(basis: basis, day: day, rules: rules)
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<ExperimentView> {
        let reach = try SiteReach(context.require(.siteManager, .operator, .ethics))
        let page = try request.page()
        let site = try request.filter("site")
        let found = try await experiments.list(
            site: site, reach: reach, after: page.after?.position() ?? 0, limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map { ExperimentView($0.record) }, next: next)
    }
}
