import ApplicationsDomain
import CofundingRules
import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import Postgres
import ServiceRuntime

/// `/v1/applications`: drafting, checking and submitting, and everybody's reading.
struct ApplicationRoutes: Sendable {
    let applications: ApplicationStore
    let lists = ApplicationListStore()
    let grants: GrantStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/applications")
            .post(use: create)
            .get(use: list)
            .get("{id}", use: show)
            .put("{id}", use: revise)
            .post("{id}/check", use: check)
            .post("{id}/submit", use: submit)
            .get("{id}/deposit", use: deposit)
            .get("{id}/history", use: history)
    }

    @Sendable private func create(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let caller = try context.require(.applicant)
        guard let organisation = caller.organisation else { throw ApplicationsError.organisationRequired }
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(ApplicationBody.self)
        guard let call = body.call else { throw Problem.invalid("/call", expected: "the id of a published call") }
        let commandContext = context.command(at: clock)
        let draft = NewDraft(
            id: EventID.next(at: commandContext.now), call: call,
            owner: ApplicationOwner(subject: caller.subject, organisation: organisation), content: try body.content())
        return try await command.run(on: pool) { transaction in
            let application = try await applications.create(draft, context: commandContext, in: transaction)
            return try .created(
                view(application, for: try context.viewer(as: .applicant)),
                at: "/v1/applications/\(application.id.lowercase)", version: application.version)
        }
    }

    @Sendable private func revise(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .applicant)
        let command = try await ChangeCommand(request, context)
        let content = try command.decode(ApplicationBody.self).content()
        let target = ApplicationTarget(
            id: try context.uuid("id"), viewer: viewer, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let application = try await applications.revise(
                target, to: content, context: commandContext, in: transaction)
            return try .ok(view(application, for: viewer), version: application.version)
        }
    }

    private struct CheckView: Encodable {
        let findings: [Finding]
        let computedGrantCents: Int64?
        let ruleSet: String?
        let derivation: [DerivationView]
    }

    @Sendable private func check(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .applicant)
        let now = clock.now()
        guard let (application, call) = try await applications.find(context.uuid("id"), viewer: viewer, in: pool) else {
            throw Problem.notFound("application")
        }
        let estimate = try await applications.estimate(application.content, at: now, in: pool)
        let completeness = Completeness(
            application.content, owner: application.owner, callState: call.state(at: now), estimate: estimate)
        return try JSONResponse(
            CheckView(
                findings: completeness.findings, computedGrantCents: estimate.result?.grantedCents,
                ruleSet: estimate.result?.ruleSet,
                derivation: (estimate.result?.derivation ?? []).map(DerivationView.init)),
            version: application.version
        ).response()
    }

    private struct SubmitView: Encodable {
        let id: String
        let version: Int64
        let state: String
        let receipt: String?
        let submittedAt: Date?
        let number: Int?
    }

    @Sendable private func submit(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .applicant)
        let command = try await ChangeCommand(request, context)
        let target = ApplicationTarget(
            id: try context.uuid("id"), viewer: viewer, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        do {
            return try await command.run(on: pool) { transaction in
                let application = try await applications.submit(target, context: commandContext, in: transaction)
                let deposit = application.deposit
                let answer = SubmitView(
                    id: application.id.lowercase, version: application.version, state: application.state.rawValue,
                    receipt: deposit?.receipt, submittedAt: deposit?.submittedAt, number: deposit?.number)
                return try .ok(answer, version: application.version)
            }
        } catch ApplicationsError.incomplete(let findings) {
            return try IncompleteProblem(findings, at: request.uri.path).response()
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .applicant, .operator, .reviewer, .committee, .decisionMaker)
        let id = try context.uuid("id")
        // One snapshot: the parts of an application are read by several statements.
        return try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            guard let (application, _) = try await applications.find(id, viewer: viewer, in: transaction),
                let sight = application.sight(of: viewer)
            else { throw Problem.notFound("application") }
            let standing = try await grants.standing(of: id, in: transaction)
            let agreement = try await grants.agreement(of: id, in: transaction)
            let view = ApplicationView(
                application, sight, viewer: viewer,
                grant: application.decision == nil ? nil : GrantView(standing),
                agreement: agreement.map(AgreementView.init))
            return try JSONResponse(view, version: application.version).response()
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<ApplicationLineView> {
        let viewer = try context.viewer(as: .applicant, .operator, .reviewer, .committee, .decisionMaker)
        let page = try request.page()
        let query = request.uri.queryParameters
        var filter = ApplicationFilter(after: try page.after?.position() ?? 0, limit: page.limit + 1)
        if let text = query["call"] {
            guard let call = UUID(uuidString: String(text)) else {
                throw Problem(.badRequest, "bad-filter", "The call is not a UUID")
            }
            filter.call = call
        }
        if let text = query["state"] {
            guard let state = ApplicationState(rawValue: String(text)) else {
                let states = ApplicationState.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(.badRequest, "bad-filter", "There is no such state", detail: "expected one of: \(states)")
            }
            filter.state = state
        }
        let found = try await lists.list(filter, viewer: viewer, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map(ApplicationLineView.init), next: next)
    }

    /// The bytes that the receipt is the digest of.
    @Sendable private func deposit(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .applicant, .operator)
        guard let (application, _) = try await applications.find(context.uuid("id"), viewer: viewer, in: pool),
            let deposit = application.deposit
        else { throw Problem.notFound("deposit") }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .eTag: "\"\(deposit.receipt)\""],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: deposit.canonical)))
    }

    @Sendable private func history(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let viewer = try context.viewer(as: .operator)
        let id = try context.uuid("id")
        guard try await applications.find(id, viewer: viewer, in: pool) != nil else {
            throw Problem.notFound("application")
        }
        let lines = try await lists.history(id, in: pool)
        return try JSONResponse(["items": lines.map(HistoryView.init)]).response()
    }

    private func view(
        _ application: ApplicationsDomain.Application, for viewer: ApplicationViewer
    ) throws -> ApplicationView {
        guard let sight = application.sight(of: viewer) else { throw Problem.notFound("application") }
        return ApplicationView(application, sight, viewer: viewer)
    }
}
