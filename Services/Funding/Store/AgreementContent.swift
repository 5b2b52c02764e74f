import CofundingRules
import FundingDomain
import Postgres

import struct FoundationEssentials.UUID

/// The lines and terms of agreements in their tables.
enum AgreementContent {
    /// Writes who takes part, the lines and the terms as they are now. The caller holds the agreement's row.
    static func save(_ agreement: Agreement, in session: some PostgresSession) async throws {
        let terms = agreement.terms
        try await session.query(
            """
            update agreements set consortium = \(try ConsortiumColumn.json(agreement.consortium)),
                term_from = \(terms?.from.description)::text::date,
                term_until = \(terms?.until.description)::text::date,
                rate_basis_points = \((terms?.rate.value).map { Int32($0) }),
                statement_months = \((terms?.calendar.months).map { Int32($0) }),
                statement_due_days = \((terms?.calendar.dueDays).map { Int32($0) })
            where id = \(agreement.id)
            """)
        let lines = agreement.lines
        try await session.query(
            """
            insert into agreement_lines (id, agreement, position, siren, budget_cents, granted_cents, has_left)
            select l.id, \(agreement.id), l.place - 1, l.siren, nullif(l.budget, -1), l.granted, l.has_left
            from unnest(\(lines.map(\.id)), \(lines.map(\.siren)), \(lines.map { $0.budgetCents ?? -1 }),
                \(lines.map(\.grantedCents)), \(lines.map(\.hasLeft))) with ordinality
                as l (id, siren, budget, granted, has_left, place)
            on conflict (id) do update set position = excluded.position, budget_cents = excluded.budget_cents,
                granted_cents = excluded.granted_cents, has_left = excluded.has_left
            """)
    }

    /// Notes on which day beneficiaries joined or left a signed agreement.
    static func note(_ amended: AmendedAgreement, on day: CalendarDay, in session: some PostgresSession) async throws {
        let before = Dictionary(uniqueKeysWithValues: amended.before.lines.map { ($0.id, $0) })
        for line in amended.after.lines {
            let known = before[line.id]
            if line.hasLeft, known?.hasLeft != true {
                try await session.query(
                    "update agreement_lines set left_on = \(day.description)::text::date where id = \(line.id)")
            } else if known == nil || (known?.hasLeft == true && !line.hasLeft) {
                try await session.query(
                    """
                    update agreement_lines set joined_on = \(day.description)::text::date, left_on = null
                    where id = \(line.id)
                    """)
            }
        }
    }

    /// In their order, by agreement.
    static func lines(
        of agreements: [UUID], in session: some PostgresSession
    ) async throws -> [UUID: [AgreementLine]] {
        let rows = try await session.query(
            """
            select id, agreement, siren, budget_cents, granted_cents, has_left
            from agreement_lines where agreement = any(\(agreements)) order by agreement, position
            """)
        var lines: [UUID: [AgreementLine]] = [:]
        for row in rows {
            lines[try row.get("agreement"), default: []].append(
                AgreementLine(
                    id: try row.get("id"), siren: try row.get("siren"), budgetCents: try row.get("budget_cents"),
                    grantedCents: try row.get("granted_cents"), hasLeft: try row.get("has_left")))
        }
        return lines
    }

    /// nil where no statements are asked for.
    static func terms(_ row: PostgresRow) throws -> AgreementTerms? {
        guard let points = try row.get("rate_basis_points", as: Int32?.self), let rate = BasisPoints(Int(points)) else {
            return nil
        }
        return try AgreementTerms(
            from: try row.day("term_from"), until: try row.day("term_until"), rate: rate,
            calendar: StatementCalendar(
                months: Int(try row.get("statement_months", as: Int32.self)),
                dueDays: Int(try row.get("statement_due_days", as: Int32.self))))
    }

    /// What the beneficiaries were paid, and whether more is on its way. The caller holds the agreement's row.
    static func paid(of agreement: UUID, in session: some PostgresSession) async throws -> Agreement.Paid {
        let rows = try await session.query(
            """
            select p.line, sum(p.amount_cents) filter (where p.state = 'executed')::bigint as cents,
                bool_or(p.state in ('ordered', 'approved')) as is_pending,
                bool_or(p.state = 'executed' and t.state <> 'paid') as is_partial
            from payments p join tranches t on t.id = p.tranche
            where t.agreement = \(agreement) group by p.line
            """)
        var cents: [UUID: Int64] = [:]
        for row in rows { cents[try row.get("line")] = try row.get("cents", as: Int64?.self) ?? 0 }
        return Agreement.Paid(
            cents: cents, isPending: try rows.contains { try $0.get("is_pending") },
            isPartial: try rows.contains { try $0.get("is_partial") })
    }
}
