import Events
import ExperimentationDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/sites`
struct SiteRoutes: Sendable {
    let sites: SiteStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/sites").get(use: list).get("{id}", use: show).post("{id}/open", use: open)
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<SiteView> {
        let reach = try SiteReach(context.require(.siteManager, .operator, .ethics))
        let page = try request.page()
        let agreement = try request.filter("agreement")
        let found = try await sites.list(
            agreement: agreement, reach: reach, after: page.after?.position() ?? 0, limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map { SiteView($0.site) }, next: next)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach(context.require(.siteManager, .operator, .ethics))
        guard let site = try await sites.find(context.uuid("id"), reach: reach, in: pool) else {
            throw Problem.notFound("site")
        }
        return try JSONResponse(SiteView(site), version: site.version).response()
    }

    private struct OpenBody: Decodable {
        let addressCommune: String?
    }

    @Sendable private func open(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.running(context.require(.siteManager, .operator))
        let command = try await ChangeCommand(request, context)
        let body = try command.decode(OpenBody.self)
        let target = CommandTarget(
            id: try context.uuid("id"), reach: reach, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let site = try await sites.open(
                target, addressCommune: body.addressCommune, context: commandContext, in: transaction)
            return try .ok(SiteView(site), version: site.version)
        }
    }
}

extension Request {
    /// An id to filter by; nil when it is not asked for.
    func filter(_ name: String) throws(Problem) -> UUID? {
        guard let text = uri.queryParameters[Substring(name)] else { return nil }
        guard let id = UUID(uuidString: String(text)) else {
            throw Problem(.badRequest, "bad-filter", "The filter \(name) is not a UUID")
        }
        return id
    }
}

struct SiteView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let agreement: String
    let application: String
    let call: String
    let siren: String
    let openedAt: Date?
    let addressCommune: String?

    init(_ site: Site) {
        id = site.id.lowercase
        version = site.version
        state = site.state.rawValue
        agreement = site.agreement.lowercase
        application = site.application.lowercase
        call = site.call.lowercase
        siren = site.siren
        openedAt = site.openedAt
        addressCommune = site.addressCommune
    }
}
