import Events
import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/experiments/{id}/answers`: "you said, we did".
struct SiteAnswerRoutes: Sendable {
    private struct Body: Decodable {
        let theme: String?
        let textFr: String?
        let textEn: String?
    }

    private struct View: Encodable, Sendable {
        let id: String
        let experiment: String
        let theme: String?
        let textFr: String?
        let textEn: String?
        let publishedAt: Date
        let withdrawnAt: Date?

        init(_ answer: SiteAnswer) {
            id = answer.id.lowercase
            experiment = answer.experiment.lowercase
            theme = answer.theme
            textFr = answer.french
            textEn = answer.english
            publishedAt = answer.publishedAt
            withdrawnAt = answer.withdrawnAt
        }
    }

    let answers = SiteAnswerStore()
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/experiments/{id}/answers").post(use: publish).get(use: list)
            .post("{answer}/withdraw", use: withdraw)
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let experiment = try context.uuid("id")
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(Body.self)
        let answer = SiteAnswer(
            id: EventID.next(), experiment: experiment, theme: try Self.theme(body.theme),
            french: try Self.text(body.textFr, "/textFr"), english: try Self.text(body.textEn, "/textEn"),
            publishedAt: act.now)
        guard !answer.languages.isEmpty else { throw Problem.invalid("/textFr", expected: "a text, or one in textEn") }
        let cause = context.cause
        return try await command.run(on: pool) { transaction in
            guard try await answers.publish(answer, by: act, cause: cause, in: transaction) else {
                throw Problem.notFound("experiment")
            }
            return try .created(View(answer), at: "/v1/experiments/\(experiment.lowercase)/answers", version: 1)
        }
    }

    @Sendable private func withdraw(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let (experiment, id) = (try context.uuid("id"), try context.uuid("answer"))
        return try await IdempotentCommand(request, context).run(on: pool) { transaction in
            guard let answer = try await answers.withdraw(id, of: experiment, by: act, in: transaction) else {
                throw Problem.notFound("answer")
            }
            return try .ok(View(answer))
        }
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let act = try context.act(at: clock)
        let experiment = try context.uuid("id")
        guard try await act.reach.contains(experiment, in: pool) else { throw Problem.notFound("experiment") }
        let page = try request.page()
        let before = try page.after?.position() ?? .max
        let found = try await answers.list(
            of: experiment, before: before, limit: page.limit + 1, onlyPublished: false, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: $0.position) } : nil
        return try JSONResponse(PageResponse(shown.map { View($0.answer) }, next: next)).response()
    }

    private static func theme(_ text: String?) throws(Problem) -> String? {
        guard let text else { return nil }
        guard SiteAnswer.isTheme(text) else { throw .invalid("/theme", expected: "2 to 40 of a-z, 0-9 and -") }
        return text
    }

    private static func text(_ text: String?, _ field: String) throws(Problem) -> String? {
        guard let text else { return nil }
        let isText = text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
        guard isText, (1...SiteAnswer.textCharacterCountMax).contains(text.unicodeScalars.count) else {
            throw .invalid(
                field, expected: "1 to \(SiteAnswer.textCharacterCountMax) characters, none of control but line feeds")
        }
        return text
    }
}
