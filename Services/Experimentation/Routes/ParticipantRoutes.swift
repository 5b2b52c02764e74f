import Events
import ExperimentationDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/experiments/{id}/participants`
struct ParticipantRoutes: Sendable {
    let experiments: ExperimentStore
    let participants: ParticipantStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/experiments/{id}/participants").post(use: enrol).get(use: list)
    }

    @Sendable private func enrol(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.ofOrganisation(context.require(.siteManager))
        let command = try await IdempotentCommand(request, context)
        let enrolment = try command.decode(EnrolmentBody.self).command()
        let target = CommandTarget(id: try context.uuid("id"), reach: reach, expectedVersion: nil)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let participant = try await participants.enrol(
                enrolment, target: target, context: commandContext, in: transaction)
            let view = EnrolmentView(participant)
            return try .created(
                view, at: "/v1/experiments/\(target.id.lowercase)/participants", version: view.version)
        }
    }

    /// For the site alone: its own codes beside the pseudonyms that it gave out.
    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<ParticipantView> {
        let reach = try SiteReach.ofOrganisation(context.require(.siteManager))
        let page = try request.page()
        let id = try context.uuid("id")
        guard try await experiments.find(id, reach: reach, in: pool) != nil else {
            throw Problem.notFound("experiment")
        }
        let found = try await participants.list(
            of: id, after: page.after?.position() ?? 0, limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map(ParticipantView.init), next: next)
    }
}
