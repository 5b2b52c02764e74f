import CofundingRules
import Events
import ExperimentationDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/sites/{id}/reports` and `/v1/site-reports`
struct SiteReportRoutes: Sendable {
    let reports: SiteReportStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/sites/{id}/reports").post(use: submit).get(use: list)
        router.group("/v1/site-reports/{id}")
            .get(use: show)
            .post("submit", use: submitAgain)
            .post("accept", use: accept)
            .post("reopen", use: reopen)
    }

    @Sendable private func submit(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.running(context.require(.siteManager, .operator))
        let command = try await IdempotentCommand(request, context)
        let content = try command.decode(SiteReportBody.self).content()
        let site = try context.uuid("id")
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let report = try await reports.submit(
                content, of: site, reach: reach, context: commandContext, in: transaction)
            let view = SiteReportView(report)
            return try .created(view, at: "/v1/site-reports/\(view.id)", version: view.version)
        }
    }

    @Sendable private func submitAgain(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.running(context.require(.siteManager, .operator))
        let command = try await ChangeCommand(request, context)
        let content = try command.decode(SiteReportBody.self).content()
        return try await change(command, .submit(content), reach: reach, context)
    }

    @Sendable private func accept(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        return try await change(ChangeCommand(request, context), .accept, reach: .all, context)
    }

    @Sendable private func reopen(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await ChangeCommand(request, context)
        let reason = try command.decode(ReasonBody.self).reason
        return try await change(command, .reopen(reason: reason), reach: .all, context)
    }

    private func change(
        _ command: ChangeCommand, _ decision: SiteReportCommand, reach: SiteReach, _ context: MaillageContext
    ) async throws -> Response {
        let target = CommandTarget(
            id: try context.uuid("id"), reach: reach, expectedVersion: command.expectedVersion)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            let report = try await reports.change(target, by: decision, context: commandContext, in: transaction)
            return try .ok(SiteReportView(report), version: report.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let reach = try SiteReach.running(context.require(.siteManager, .operator))
        guard let report = try await reports.find(context.uuid("id"), reach: reach, in: pool) else {
            throw Problem.notFound("site report")
        }
        return try JSONResponse(SiteReportView(report), version: report.version).response()
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<SiteReportView> {
        let reach = try SiteReach.running(context.require(.siteManager, .operator))
        let page = try request.page()
        let site = try context.uuid("id")
        guard try await reports.sites.find(site, reach: reach, in: pool) != nil else { throw Problem.notFound("site") }
        let found = try await reports.list(
            of: site, after: page.after?.position() ?? 0, limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor(position: Int64($0.number)) } : nil
        return PageResponse(shown.map(SiteReportView.init), next: next)
    }
}

/// A report as it is sent.
struct SiteReportBody: Decodable {
    /// `yyyy-MM-dd`
    let periodFrom: String
    /// Inclusive.
    let periodUntil: String
    let summary: String
    let documentReference: String?

    func content() throws(Problem) -> SiteReportContent {
        SiteReportContent(
            period: (from: try day(periodFrom, at: "/periodFrom"), until: try day(periodUntil, at: "/periodUntil")),
            summary: summary, documentReference: documentReference)
    }

    private func day(_ text: String, at field: String) throws(Problem) -> CalendarDay {
        guard let day = CalendarDay(text) else { throw .invalid(field, expected: "a day such as 2026-01-31") }
        return day
    }
}

struct SiteReportView: Encodable, Sendable {
    /// What an operator decided last.
    struct DecisionView: Encodable, Sendable {
        let outcome: String
        let reason: String?
        let decidedAt: Date
    }

    let id: String
    let version: Int64
    let state: String
    let site: String
    let number: Int
    let periodFrom: String
    let periodUntil: String
    let summary: String
    let documentReference: String?
    let submittedAt: Date
    let decision: DecisionView?

    init(_ report: SiteReport) {
        id = report.id.lowercase
        version = report.version
        state = report.state.rawValue
        site = report.site.lowercase
        number = report.number
        let content = report.submission.content
        periodFrom = content.periodFrom.description
        periodUntil = content.periodUntil.description
        summary = content.summary
        documentReference = content.documentReference
        submittedAt = report.submission.submittedAt
        decision = report.decision.map {
            DecisionView(outcome: $0.outcome.rawValue, reason: $0.reason, decidedAt: $0.decidedAt)
        }
    }
}
