import Events
import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/invitations`: secret links for givers without an account.
struct InvitationRoutes: Sendable {
    let invitations = InvitationStore()
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/invitations").post(use: create).get(use: list).post("{id}/withdraw", use: withdraw)
    }

    /// The link is in the first answer alone: a repeat of the command gets the invitation without it, since what is
    /// stored for repeats is no place for a secret.
    @Sendable private func create(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(InvitationBody.self)
        let wanted = try body.request()
        let link = Secrets.word()
        var created: InvitationView?
        let response = try await command.run(on: pool) { transaction in
            let invitation = try await invitations.create(
                wanted, for: body.participantName, link: link, by: act, in: transaction)
            guard let invitation else { throw Problem.notFound("experiment") }
            let view = InvitationView(invitation, now: act.now)
            created = view
            return try .created(view, at: "/v1/invitations", version: 1)
        }
        guard let created, response.headers[.idempotencyReplayed] == nil else { return response }
        var full = try JSONResponse(
            NewInvitationView(invitation: created, path: "/f/\(link.text)"), status: .created
        ).response()
        full.headers[.cacheControl] = "no-store"
        return full
    }

    @Sendable private func withdraw(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let id = try context.uuid("id")
        return try await IdempotentCommand(request, context).run(on: pool) { transaction in
            guard let invitation = try await invitations.withdraw(id, by: act, in: transaction) else {
                throw Problem.notFound("invitation")
            }
            return try .ok(InvitationView(invitation, now: act.now))
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<InvitationView> {
        let act = try context.act(at: clock)
        guard let experiment = request.uri.queryParameters["experiment"].flatMap({ UUID(characters: String($0)) })
        else { throw Problem.invalid("experiment", expected: "the id of an experiment, such as ?experiment=<uuid>") }
        let page = try request.page()
        let found = try await invitations.list(
            of: experiment, after: page.after?.position() ?? 0, limit: page.limit + 1, reach: act.reach, in: pool)
        guard let found else { throw Problem.notFound("experiment") }
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return PageResponse(shown.map { InvitationView($0.invitation, now: act.now) }, next: next)
    }
}
