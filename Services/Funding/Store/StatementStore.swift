import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Expense statements: what each beneficiary of an agreement has spent, period by period.
struct StatementStore: Sendable {
    let agreements: AgreementStore

    /// A statement with when what happened to it.
    struct Standing: Sendable {
        var statement: ExpenseStatement
        let submittedAt: Date?
        let acceptedBy: String?
        let acceptedAt: Date?
    }

    // MARK: Planning

    /// Makes the statements that an agreement's terms ask for, and takes back those that they ask for no more. What
    /// was submitted keeps its period; a partner that has left states the period in which it left, and no later one.
    /// The caller holds the agreement's row.
    static func plan(_ agreement: Agreement, in session: some PostgresSession) async throws {
        guard let terms = agreement.terms else { return }
        let known = try await periods(of: agreement.id, in: session)
        let days = try await memberships(of: agreement.id, in: session)
        for line in agreement.lines {
            let kept = known[line.id, default: []].filter { $0.state != .expected }
            let from = kept.map { $0.period.until.adding(days: 1) }.max() ?? terms.from
            let keptCount = kept.map(\.period.number).max() ?? 0
            let (joinedOn, leftOn) = days[line.id] ?? (nil, nil)
            // Who joins states from the period in which it does; who leaves, up to the one in which it did.
            let all = terms.calendar.periods(from: from, until: terms.until, number: keptCount + 1)
            let periods = all.filter { period in
                joinedOn.map { period.until >= $0 } ?? true && leftOn.map { period.from <= $0 } ?? true
            }
            let isOwed = line.grantedCents > 0 || !kept.isEmpty
            try await save(isOwed ? periods : [], of: line.id, agreement.id, after: keptCount, in: session)
        }
    }

    /// When beneficiaries joined an agreement that was signed, and when they left it; by line.
    private static func memberships(
        of agreement: UUID, in session: some PostgresSession
    ) async throws -> [UUID: (joinedOn: CalendarDay?, leftOn: CalendarDay?)] {
        let rows = try await session.query(
            """
            select id, joined_on::text as joined_day, left_on::text as left_day from agreement_lines
            where agreement = \(agreement)
            """)
        var days: [UUID: (joinedOn: CalendarDay?, leftOn: CalendarDay?)] = [:]
        for row in rows {
            days[try row.get("id")] = (
                try row.get("joined_day", as: String?.self).flatMap { CalendarDay($0) },
                try row.get("left_day", as: String?.self).flatMap { CalendarDay($0) }
            )
        }
        return days
    }

    /// Puts the periods in the place of those that nobody has stated anything for. One that is late stays asked for,
    /// whatever was stated since.
    /// - Parameter count: number of the last that was stated.
    private static func save(
        _ periods: [StatementPeriod], of line: UUID, _ agreement: UUID, after count: Int,
        in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            update expense_statements set state = 'dropped', version = version + 1
            where line = \(line) and state = 'expected' and number > \(Int32(count))
                and not number = any(\(periods.map { Int32($0.number) }))
            """)
        try await session.query(
            """
            insert into expense_statements (id, agreement, line, number, period_from, period_until, due_on, state)
            select p.id, \(agreement), \(line), p.number, p.period_from::date, p.period_until::date, p.due_on::date,
                'expected'
            from unnest(\(periods.map { _ in EventID.next() }), \(periods.map { Int32($0.number) }),
                \(periods.map(\.from.description)), \(periods.map(\.until.description)),
                \(periods.map(\.dueOn.description))) as p (id, number, period_from, period_until, due_on)
            on conflict (line, number) where state <> 'dropped' do update set version = expense_statements.version + 1,
                period_from = excluded.period_from, period_until = excluded.period_until, due_on = excluded.due_on
            where expense_statements.state = 'expected'
                and (expense_statements.period_from, expense_statements.period_until, expense_statements.due_on)
                    is distinct from (excluded.period_from, excluded.period_until, excluded.due_on)
            """)
    }

    /// Nothing is asked for a period that begins after the end of the agreement. The caller holds its row.
    static func drop(after day: CalendarDay, of agreement: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            """
            update expense_statements set state = 'dropped', version = version + 1
            where agreement = \(agreement) and state = 'expected' and period_from > \(day.description)::text::date
            """)
    }

    private static func periods(
        of agreement: UUID, in session: some PostgresSession
    ) async throws -> [UUID: [(period: StatementPeriod, state: StatementState)]] {
        let rows = try await session.query(
            "\(shared: selectStatements) where s.agreement = \(agreement) and s.state <> 'dropped' order by s.number")
        var periods: [UUID: [(period: StatementPeriod, state: StatementState)]] = [:]
        for row in rows {
            let statement = try standing(row).value.statement
            periods[statement.line, default: []].append((statement.period, statement.state))
        }
        return periods
    }

    // MARK: Commands

    /// - Parameter siren: of the caller's organisation, when it may state its own only.
    func submit(
        _ target: Target, _ items: [ExpenseItem], _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var statement = try await lock(target, in: session)
        try statement.submit(items, by: command.actor)
        let period = statement.period
        let submitted = command.event(
            ExpenseStatementSubmitted(
                statement: statement.id, agreement: statement.agreement, siren: statement.siren,
                number: period.number, declaredCents: statement.declaredCents, periodFrom: period.from.description,
                periodUntil: period.until.description, dueOn: period.dueOn.description, submittedAt: command.now),
            about: statement.id)
        try await save(statement, .init(name: .submit, event: submitted), command, in: session)
        return try await find(statement.id, in: session)
    }

    /// What is eligible counts from now on, and may release a tranche.
    func accept(
        _ target: Target, _ judgements: [ExpenseStatement.Judgement], _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var statement = try await lock(target, in: session)
        try statement.accept(judgements, by: command.actor)
        let accepted = command.event(
            ExpenseStatementAccepted(
                statement: statement.id, agreement: statement.agreement, siren: statement.siren,
                number: statement.period.number, declaredCents: statement.declaredCents,
                eligibleCents: statement.eligibleCents, acceptedAt: command.now),
            about: statement.id)
        try await save(statement, .init(name: .accept, event: accepted), command, in: session)
        try await record(statement, stands: true, accepted.id, command, in: session)
        return try await find(statement.id, in: session)
    }

    /// Sends it back; of one that was accepted, whatever rested on it is held.
    func reopen(
        _ target: Target, reason: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var statement = try await lock(target, in: session)
        let wasAccepted = try statement.reopen(because: reason)
        let reopened = command.event(
            ExpenseStatementReopened(
                statement: statement.id, agreement: statement.agreement, siren: statement.siren,
                number: statement.period.number, wasAccepted: wasAccepted, reopenedAt: command.now),
            about: statement.id)
        try await save(statement, .init(name: .reopen, event: reopened, reason: reason), command, in: session)
        if wasAccepted { try await record(statement, stands: false, reopened.id, command, in: session) }
        return try await find(statement.id, in: session)
    }

    /// The evidence that tranches may rest on.
    private func record(
        _ statement: ExpenseStatement, stands: Bool, _ event: UUID, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        let rows = try await session.query(
            "select count(*) as number from expense_statement_changes where statement = \(statement.id)")
        let change = SubjectChange(
            kind: .statementAccepted, subject: statement.id, number: try rows[0].get("number"), stands: stands,
            event: event, occurredAt: command.now)
        try await agreements.tranches.record(change, of: statement.agreement, command, in: session)
    }

    /// Which statement, as it was seen, and by whom.
    struct Target: Sendable {
        let id: UUID
        let expected: Int64
        /// Of the caller's organisation, when it may reach its own only.
        var siren: String?
    }

    private struct Change {
        enum Name: String { case submit, accept, reopen }
        let name: Name
        let event: NewEvent
        var reason: String?
    }

    /// The agreement is locked first, as by whatever changes its evidence.
    private func lock(_ target: Target, in session: some PostgresSession) async throws -> ExpenseStatement {
        let agreement = try await find(target.id, visibleTo: target.siren, in: session).value.statement.agreement
        let state = try await agreements.find(agreement, isLocked: true, in: session).value.state
        guard state != .settled else { throw FundingError.agreementSettled }
        try await session.query("select id from expense_statements where id = \(target.id) for update")
        let stored = try await find(target.id, in: session)
        try stored.check(target.expected)
        return stored.value.statement
    }

    private func save(
        _ statement: ExpenseStatement, _ change: Change, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let items = PostgresJSON(bytes: try WireCoding.encode(statement.items.map { ExpenseItemContent($0) }))
        let isAccepted = statement.state == .accepted
        try await session.query(
            """
            update expense_statements set state = \(statement.state.rawValue), version = version + 1, items = \(items),
                declared_cents = \(statement.declaredCents), eligible_cents = \(statement.eligibleCents),
                submitted_by = \(statement.submittedBy),
                submitted_at = case when \(change.name == .submit) then \(command.now) else submitted_at end,
                accepted_by = \(isAccepted ? command.actor : nil), accepted_at = \(isAccepted ? command.now : nil)
            where id = \(statement.id)
            """)
        try await session.query(
            """
            insert into expense_statement_changes (statement, change, items, reason, changed_by, changed_at, event)
            values (\(statement.id), \(change.name.rawValue), \(items), \(change.reason), \(command.actor),
                \(command.now), \(change.event.id))
            """)
        try await EventLog.append([change.event], in: session)
    }
}

// MARK: Reading

extension StatementStore {
    /// Which statements are listed.
    struct Filter: Sendable {
        var agreement: UUID?
        var state: StatementState?
        /// Due on this day or before it.
        var dueUntil: CalendarDay?
        /// Of the caller's organisation, when it may see its own only.
        var siren: String?
    }

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func find(
        _ id: UUID, visibleTo siren: String? = nil, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let rows = try await session.query(
            """
            \(shared: Self.selectStatements) where s.id = \(id) and (\(siren) is null or l.siren = \(siren))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "statement") }
        return try Self.standing(row)
    }

    /// Those that are asked for, in the order of their days.
    func list(
        _ filter: Filter, after: (day: CalendarDay, id: UUID)?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<Standing>] {
        try await session.query(
            """
            \(shared: Self.selectStatements)
            where s.state <> 'dropped' and (\(filter.agreement) is null or s.agreement = \(filter.agreement))
                and (\(filter.state?.rawValue) is null or s.state = \(filter.state?.rawValue))
                and (\(filter.dueUntil?.description)::text is null
                    or s.due_on <= \(filter.dueUntil?.description)::text::date)
                and (\(filter.siren) is null or l.siren = \(filter.siren))
                and (\(after?.id) is null or (s.due_on, s.id) > (\(after?.day.description)::text::date, \(after?.id)))
            order by s.due_on, s.id limit \(limit)
            """
        ).map { try Self.standing($0) }
    }

    private static let selectStatements: StaticString = """
        select s.*, s.period_from::text as first_day, s.period_until::text as last_day, s.due_on::text as due_day,
            l.siren
        from expense_statements s join agreement_lines l on l.id = s.line
        """

    private static func standing(_ row: PostgresRow) throws -> Versioned<Standing> {
        let items = try WireCoding.decode(
            [ExpenseItemContent].self, from: try row.get("items", as: PostgresJSON.self).bytes)
        let period = StatementPeriod(
            number: Int(try row.get("number", as: Int32.self)), from: try row.day("first_day"),
            until: try row.day("last_day"), dueOn: try row.day("due_day"))
        let statement = ExpenseStatement(
            id: try row.get("id"), agreement: try row.get("agreement"),
            of: (id: try row.get("line"), siren: try row.get("siren")), period: period, state: try row.get("state"),
            items: try items.map { try $0.item() }, submittedBy: try row.get("submitted_by"))
        let standing = Standing(
            statement: statement, submittedAt: try row.get("submitted_at"), acceptedBy: try row.get("accepted_by"),
            acceptedAt: try row.get("accepted_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}

/// A kind of cost as it is stored.
private struct ExpenseItemContent: Codable {
    let category: String
    let declaredCents: Int64
    let eligibleCents: Int64?
    let reason: String?

    init(_ item: ExpenseItem) {
        category = item.category.rawValue
        declaredCents = item.declaredCents
        eligibleCents = item.eligibleCents
        reason = item.reason
    }

    func item() throws -> ExpenseItem {
        guard let category = ExpenseCategory(rawValue: category) else { throw UnknownCategory(name: category) }
        return ExpenseItem(
            category: category, declaredCents: declaredCents, eligibleCents: eligibleCents, reason: reason)
    }

    /// A newer version of the service wrote a kind of cost that this one does not know.
    private struct UnknownCategory: Error {
        let name: String
    }
}
