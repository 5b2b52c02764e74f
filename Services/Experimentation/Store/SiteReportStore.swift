import CofundingRules
import Events
import ExperimentationDomain
import FoundationEssentials
import Outbox
import Postgres

/// Sites' reports, with everything that was submitted and decided.
struct SiteReportStore: Sendable {
    let sites: SiteStore

    /// The site's next report, numbered under the site's lock.
    /// - Throws: `StoreRefusal`, or the domain's refusal.
    func submit(
        _ content: SiteReportContent, of site: UUID, reach: SiteReach, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> SiteReport {
        let site = try await sites.lock(site, reach: reach, in: transaction)
        let rows = try await transaction.query(
            "select coalesce(max(number), 0) + 1 as number from site_reports where site = \(site.id)")
        let report = try site.report(
            content, id: EventID.next(at: context.now), number: try rows[0].get("number"), by: context.actor,
            at: context.now)
        try await transaction.query(
            """
            insert into site_reports (id, site, number, version, state)
            values (\(report.id), \(site.id), \(report.number), \(report.version), \(report.state.rawValue))
            """)
        try await append(.submitted(report.submission), to: report, in: transaction)
        let record = SiteReportRecord(report: report, agreement: site.agreement)
        let event = record.event(of: .submitted(report.submission), context: context)
        try await EventLog.append([event], in: transaction)
        return report
    }

    /// Decides a command about a report that is locked from here to the end of the transaction, keeps what follows
    /// from it, and appends its event.
    /// - Throws: `StoreRefusal`, or the domain's refusal.
    func change(
        _ target: CommandTarget, by command: SiteReportCommand, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> SiteReport {
        // Apart from what is read then: rows that were added while this waited belong to the report, too.
        try await transaction.query("select from site_reports where id = \(target.id) for no key update")
        guard var record = try await record(target.id, reach: target.reach, in: transaction) else {
            throw StoreRefusal.notFound(noun: "site report")
        }
        try target.check(record.report.version)
        let fact = try record.report.decide(command, by: context.actor, at: context.now)
        record.report.evolve(fact)
        try await transaction.query(
            """
            update site_reports set version = \(record.report.version), state = \(record.report.state.rawValue)
            where id = \(record.report.id)
            """)
        try await append(fact, to: record.report, in: transaction)
        try await EventLog.append([record.event(of: fact, context: context)], in: transaction)
        return record.report
    }

    func find(_ id: UUID, reach: SiteReach, in session: some PostgresSession) async throws -> SiteReport? {
        try await record(id, reach: reach, in: session)?.report
    }

    /// In the order of their numbers.
    func list(
        of site: UUID, after number: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [SiteReport] {
        try await session.query(
            """
            \(shared: Self.joined) where r.site = \(site) and r.number > \(number) order by r.number limit \(limit)
            """
        ).map { try SiteReportRecord(row: $0).report }
    }

    private func record(
        _ id: UUID, reach: SiteReach, in session: some PostgresSession
    ) async throws -> SiteReportRecord? {
        try await session.query(
            """
            \(shared: Self.joined) where r.id = \(id) and (\(reach.siren) is null or t.siren = \(reach.siren))
            """
        ).first.map(SiteReportRecord.init(row:))
    }

    private static let joined: StaticString = """
        select r.*, t.agreement, s.period_from::text as period_from, s.period_until::text as period_until, s.summary,
            s.document_reference, s.submitted_by, s.submitted_at, d.outcome, d.reason, d.decided_by, d.decided_at
        from site_reports r join sites t on t.id = r.site
        join lateral (
            select * from site_report_submissions where report = r.id order by version desc limit 1) s on true
        left join lateral (
            select * from site_report_decisions where report = r.id order by version desc limit 1) d on true
        """

    private func append(
        _ fact: SiteReportFact, to report: SiteReport, in session: some PostgresSession
    ) async throws {
        switch fact {
        case .submitted(let submission):
            let content = submission.content
            try await session.query(
                """
                insert into site_report_submissions (report, version, period_from, period_until, summary,
                    document_reference, submitted_by, submitted_at)
                values (\(report.id), \(report.version), \(content.periodFrom.description)::text::date,
                    \(content.periodUntil.description)::text::date, \(content.summary), \(content.documentReference),
                    \(submission.submittedBy), \(submission.submittedAt))
                """)
        case .decided(let decision):
            try await session.query(
                """
                insert into site_report_decisions (report, version, outcome, reason, decided_by, decided_at)
                values (\(report.id), \(report.version), \(decision.outcome.rawValue), \(decision.reason),
                    \(decision.decidedBy), \(decision.decidedAt))
                """)
        }
    }
}
