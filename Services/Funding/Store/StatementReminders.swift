import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres
import ServiceRuntime

import struct FoundationEssentials.UUID

/// Tells of statements that are due soon, today, or were: each reminder once for every day that a statement is due, by
/// whichever replica looks first. When the day moves, the reminders follow it.
struct StatementReminders: Sendable {
    let pool: PostgresPool
    let clock: ProgrammeClock

    /// At a time; the rest comes with the next look.
    static let countMax = 500

    /// - Returns: how many reminders were due.
    @discardableResult
    func remind() async throws -> Int {
        try await pool.withTransaction { transaction in
            try await transaction.query("select pg_advisory_xact_lock(hashtextextended('funding.reminders', 0))")
            let now = clock.now()
            let today = try await ParisDays.day(of: now, in: transaction)
            var count = 0
            for reminder in StatementReminder.allCases {
                for due in try await due(reminder, on: today, in: transaction) {
                    let cause = EventCause(correlationID: EventID.next().lowercase)
                    let command = CommandContext(actor: EventOwner.funding.rawValue, cause: cause, now: now)
                    try await tell(due, command, in: transaction)
                    count += 1
                }
            }
            return count
        }
    }

    private struct Due {
        let statement: UUID
        let agreement: UUID
        let siren: String
        let number: Int
        let dueOn: CalendarDay
        let reminder: StatementReminder
    }

    private func due(
        _ reminder: StatementReminder, on today: CalendarDay, in session: some PostgresSession
    ) async throws -> [Due] {
        let days = reminder.dueDays(on: today)
        return try await session.query(
            """
            select s.id, s.agreement, s.number, s.due_on::text as due_day, l.siren
            from expense_statements s join agreement_lines l on l.id = s.line
            join agreements a on a.id = s.agreement and a.state in ('signed', 'suspended', 'terminated')
            where s.state in ('expected', 'reopened')
                and s.due_on between \(days.lowerBound.description)::text::date
                    and \(days.upperBound.description)::text::date
                and not exists (
                    select from statement_reminders r
                    where r.statement = s.id and r.due_on = s.due_on and r.reminder = \(reminder.rawValue))
            order by s.due_on, s.id limit \(Self.countMax)
            """
        ).map { row in
            Due(
                statement: try row.get("id"), agreement: try row.get("agreement"), siren: try row.get("siren"),
                number: Int(try row.get("number", as: Int32.self)), dueOn: try row.day("due_day"),
                reminder: reminder)
        }
    }

    private func tell(_ due: Due, _ command: CommandContext, in session: some PostgresSession) async throws {
        let event = command.event(
            ExpenseStatementReminded(
                statement: due.statement, agreement: due.agreement, siren: due.siren, number: due.number,
                dueOn: due.dueOn.description, reminder: ReminderKind(due.reminder), remindedAt: command.now),
            about: due.statement)
        try await session.query(
            """
            insert into statement_reminders (statement, due_on, reminder, reminded_at, event)
            values (\(due.statement), \(due.dueOn.description)::text::date, \(due.reminder.rawValue), \(command.now),
                \(event.id))
            """)
        try await EventLog.append([event], in: session)
    }
}

extension ReminderKind {
    init(_ reminder: StatementReminder) {
        switch reminder {
        case .monthBefore: self = .monthBefore
        case .weekBefore: self = .weekBefore
        case .dueToday: self = .dueToday
        case .overdue: self = .overdue
        }
    }
}
