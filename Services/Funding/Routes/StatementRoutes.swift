import CofundingRules
import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Expense statements: submitted by the beneficiary, judged by the programme.
struct StatementRoutes: Sendable {
    let statements: StatementStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/agreements/{id}/expense-statements", use: ofAgreement)
        router.group("/v1/expense-statements").get(use: list).get("{id}", use: show).post("{id}/submit", use: submit)
            .post("{id}/accept", use: accept).post("{id}/reopen", use: reopen)
    }

    private struct SubmitStatement: Decodable, Sendable {
        struct Item: Decodable, Sendable {
            let category: String
            let declaredCents: Int64
        }

        let items: [Item]

        func expenses() throws(Problem) -> [ExpenseItem] {
            var expenses: [ExpenseItem] = []
            for (index, item) in items.enumerated() {
                let category: ExpenseCategory = try Reading.oneOf(item.category, field: "/items/\(index)/category")
                expenses.append(ExpenseItem(category: category, declaredCents: item.declaredCents))
            }
            return expenses
        }
    }

    private struct AcceptStatement: Decodable, Sendable {
        struct Item: Decodable, Sendable {
            let category: String
            let eligibleCents: Int64
            let reason: String?
        }

        let items: [Item]?

        func judgements() throws(Problem) -> [ExpenseStatement.Judgement] {
            var judgements: [ExpenseStatement.Judgement] = []
            for (index, item) in (items ?? []).enumerated() {
                let category: ExpenseCategory = try Reading.oneOf(item.category, field: "/items/\(index)/category")
                judgements.append(
                    .init(category: category, eligibleCents: item.eligibleCents, reason: item.reason))
            }
            return judgements
        }
    }

    private struct ReopenStatement: Decodable, Sendable {
        let reason: String
    }

    /// By an operator for anybody, or by the beneficiary for itself.
    @Sendable private func submit(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let caller = try context.require(.operator, .applicant, .siteManager)
        // Whatever else they may read: only an operator states anything for others.
        guard caller.has(.operator) || caller.organisation != nil else {
            throw Problem.forbidden.mending("Sign in for an organisation: your token names none.")
        }
        let siren = caller.has(.operator) ? nil : caller.organisation
        let target = try target(request, context, siren: siren)
        return try await commands.change(request, context, SubmitStatement.self) { body, transaction in
            let stored = try await statements.submit(
                target, try body.expenses(), commands.context(context), in: transaction)
            return Versioned(value: StatementView(stored), version: stored.version)
        }
    }

    @Sendable private func accept(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let target = try target(request, context)
        return try await commands.change(request, context, AcceptStatement.self) { body, transaction in
            let stored = try await statements.accept(
                target, try body.judgements(), commands.context(context), in: transaction)
            return Versioned(value: StatementView(stored), version: stored.version)
        }
    }

    @Sendable private func reopen(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let target = try target(request, context)
        return try await commands.change(request, context, ReopenStatement.self) { body, transaction in
            let stored = try await statements.reopen(
                target, reason: body.reason, commands.context(context), in: transaction)
            return Versioned(value: StatementView(stored), version: stored.version)
        }
    }

    private func target(
        _ request: Request, _ context: MaillageContext, siren: String? = nil
    ) throws -> StatementStore.Target {
        StatementStore.Target(
            id: try context.uuid("id"), expected: try request.expectedVersion(), siren: siren)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let view = StatementView(
            try await statements.find(try context.uuid("id"), visibleTo: siren, in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func ofAgreement(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<StatementView> {
        let siren = try context.requireReader()
        let id = try context.uuid("id")
        _ = try await statements.agreements.find(id, visibleTo: siren, in: commands.pool)
        return try await page(request, StatementStore.Filter(agreement: id, siren: siren))
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<StatementView> {
        var filter = StatementStore.Filter(siren: try context.requireReader())
        if let state = request.uri.queryParameters["state"] {
            guard let known = StatementState(rawValue: String(state)) else {
                throw Problem(.badRequest, "bad-parameter", "A parameter is not as it must be").at("?state")
            }
            filter.state = known
        }
        if let day = request.uri.queryParameters["dueUntil"] {
            filter.dueUntil = try CalendarDay.read(String(day), at: "?dueUntil")
        }
        return try await page(request, filter)
    }

    private func page(
        _ request: Request, _ filter: StatementStore.Filter
    ) async throws -> PageResponse<StatementView> {
        let page = try request.page()
        var after: (day: CalendarDay, id: UUID)?
        if let fields = try page.after?.fields(count: 2) {
            guard let day = CalendarDay(fields[0]), let id = UUID(uuidString: fields[1]) else {
                throw Reading.badCursor
            }
            after = (day, id)
        }
        let found = try await statements.list(filter, after: after, limit: page.limit + 1, in: commands.pool)
        return Reading.page(
            found, limit: page.limit,
            cursor: { stored in
                let statement = stored.value.statement
                return Cursor([statement.period.dueOn.description, statement.id.lowercase])
            }
        ) { StatementView($0) }
    }
}

/// What a beneficiary has spent in a period; amounts in cents.
struct StatementView: Encodable, Sendable {
    struct Item: Encodable, Sendable {
        let category: String
        let declaredCents: Int64
        /// Absent until it is accepted.
        let eligibleCents: Int64?
        let reason: String?
    }

    let id: String
    let version: Int64
    let state: String
    let agreement: String
    let siren: String
    /// Of the beneficiary's periods, from 1.
    let number: Int
    let periodFrom: String
    let periodUntil: String
    let dueOn: String
    let items: [Item]
    let declaredCents: Int64
    let eligibleCents: Int64
    let submittedBy: String?
    let submittedAt: Date?
    let acceptedBy: String?
    let acceptedAt: Date?

    init(_ stored: Versioned<StatementStore.Standing>) {
        let (standing, statement) = (stored.value, stored.value.statement)
        id = statement.id.lowercase
        version = stored.version
        state = statement.state.rawValue
        agreement = statement.agreement.lowercase
        siren = statement.siren
        number = statement.period.number
        periodFrom = statement.period.from.description
        periodUntil = statement.period.until.description
        dueOn = statement.period.dueOn.description
        items = statement.items.map {
            Item(
                category: $0.category.rawValue, declaredCents: $0.declaredCents, eligibleCents: $0.eligibleCents,
                reason: $0.reason)
        }
        declaredCents = statement.declaredCents
        eligibleCents = statement.eligibleCents
        submittedBy = statement.submittedBy
        submittedAt = standing.submittedAt
        acceptedBy = standing.acceptedBy
        acceptedAt = standing.acceptedAt
    }
}
