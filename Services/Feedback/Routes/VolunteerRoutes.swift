import Events
import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/experiments/{id}/volunteering`: what people may volunteer for, and who did.
struct VolunteerRoutes: Sendable {
    private struct Body: Decodable {
        let kind: String
        let titleFr: String
        let titleEn: String
    }

    private struct OpeningView: Encodable {
        let id: String
        let experiment: String
        let kind: String
        let titleFr: String
        let titleEn: String
    }

    private struct VolunteerView: Encodable, Sendable {
        let id: String
        let opening: String
        let contactKind: String
        let contact: String
        let language: String
        let consentedAt: Date
        let expiresAt: Date

        init(_ volunteer: Volunteer) {
            id = volunteer.id.lowercase
            opening = volunteer.opening.lowercase
            contactKind = volunteer.contactKind
            contact = volunteer.contact
            language = volunteer.language
            consentedAt = volunteer.consentedAt
            expiresAt = volunteer.expiresAt
        }
    }

    let volunteers: VolunteerStore
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/experiments/{id}/volunteering").post(use: open).get(use: list)
            .post("{opening}/close", use: close)
    }

    @Sendable private func open(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let experiment = try context.uuid("id")
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(Body.self)
        guard let kind = VolunteerOpening.Kind(rawValue: body.kind) else {
            throw Problem.invalid("/kind", expected: "experiment or codesign")
        }
        let opening = VolunteerOpening(
            id: EventID.next(), experiment: experiment, kind: kind, french: try Self.title(body.titleFr, "/titleFr"),
            english: try Self.title(body.titleEn, "/titleEn"))
        return try await command.run(on: volunteers.pool) { transaction in
            switch try await volunteers.open(opening, by: act, in: transaction) {
            case .unknownExperiment: throw Problem.notFound("experiment")
            case .alreadyOpen:
                throw Problem.conflict("already-open", "People may volunteer for this already")
                    .mending("Close what is open first.")
            case .opened:
                let view = OpeningView(
                    id: opening.id.lowercase, experiment: experiment.lowercase, kind: kind.rawValue,
                    titleFr: opening.french, titleEn: opening.english)
                return try .created(view, at: "/v1/experiments/\(experiment.lowercase)/volunteering", version: 1)
            }
        }
    }

    @Sendable private func close(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let (experiment, opening) = (try context.uuid("id"), try context.uuid("opening"))
        return try await IdempotentCommand(request, context).run(on: volunteers.pool) { transaction in
            guard try await volunteers.close(opening, of: experiment, by: act, in: transaction) else {
                throw Problem.notFound("opening")
            }
            return .noContent()
        }
    }

    /// For the site alone, and never kept by anything between.
    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let page = try request.page()
        let found = try await volunteers.list(
            of: context.uuid("id"), after: page.after?.position() ?? 0, limit: page.limit + 1, by: act)
        guard let found else { throw Problem.notFound("experiment") }
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return try JSONResponse(
            PageResponse(shown.map(VolunteerView.init), next: next), headers: [.cacheControl: "no-store"]
        ).response()
    }

    private static func title(_ text: String, _ field: String) throws(Problem) -> String {
        guard (1...VolunteerOpening.titleCharacterCountMax).contains(text.unicodeScalars.count),
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw .invalid(field, expected: "1 to \(VolunteerOpening.titleCharacterCountMax) characters in one line")
        }
        return text
    }
}
