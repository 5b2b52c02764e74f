import FeedbackDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/import-mappings`: how a publisher's files become events.
struct ImportMappingRoutes: Sendable {
    private struct Mappings: Encodable {
        let items: [ImportMappingRecord]
    }

    let access: PublisherAccess
    let pool: PostgresPool
    let clock: ProgrammeClock
    private let mappings = ImportMappingStore()

    init(access: PublisherAccess, pool: PostgresPool, clock: ProgrammeClock) {
        self.access = access
        self.pool = pool
        self.clock = clock
    }

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/import-mappings")
            .get(use: list).put("{name}", use: publish).get("{name}", use: newest).get("{name}/{version}", use: show)
    }

    /// The same document again is the same version.
    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.require(context)
        let name = try context.parameter("name")
        let mapping = try await request.decode(as: ImportMapping.self, context: context)
        do throws(ImportMappingFlaw) {
            try ImportMapping.checkName(name)
            try mapping.check()
        } catch { throw Problem.invalid(error.field, expected: error.expected) }
        let publication = try await pool.withTransaction { transaction in
            try await mappings.publish(mapping, as: name, of: publisher, now: clock.now(), in: transaction)
        }
        switch publication {
        case .published(let record):
            return try JSONResponse(
                record, status: .created, headers: [.location: "/v1/import-mappings/\(name)/\(record.version)"]
            ).response()
        case .publishedBefore(let record): return try JSONResponse(record).response()
        case .tooMany:
            throw Problem.conflict(
                "too-many-mappings", "There are too many versions of mappings",
                detail: "at most \(ImportMappingStore.versionCountMax) of one publisher's")
        }
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.publisher(request, context, orRoles: .operator)
        return try JSONResponse(Mappings(items: try await mappings.list(of: publisher, in: pool))).response()
    }

    @Sendable private func newest(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await show(request, context, version: nil)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        guard let version = Int(try context.parameter("version")) else { throw Problem.notFound("mapping") }
        return try await show(request, context, version: version)
    }

    private func show(
        _ request: Request, _ context: MaillageContext, version: Int?
    ) async throws -> Response {
        let publisher = try await access.publisher(request, context, orRoles: .operator)
        let name = try context.parameter("name")
        guard let record = try await mappings.find(name, version: version, of: publisher, in: pool) else {
            throw Problem.notFound("mapping")
        }
        return try JSONResponse(record).response()
    }
}
