import CofundingRules
import Events
import ExperimentationDomain
import FoundationEssentials
import Outbox
import Postgres

/// A report with the site that it is of.
struct SiteReportRecord: Sendable {
    var report: SiteReport
    let agreement: UUID

    /// How what happened is told to the other services. Summaries and reasons stay here.
    func event(of fact: SiteReportFact, context: CommandContext) -> NewEvent {
        switch fact {
        case .submitted(let submission):
            return context.event(
                SiteReportSubmitted(
                    report: report.id, site: report.site, agreement: agreement, number: report.number,
                    submittedAt: submission.submittedAt), about: report.id)
        case .decided(let decision):
            guard decision.outcome == .accepted else {
                return context.event(
                    SiteReportReopened(
                        report: report.id, site: report.site, agreement: agreement, number: report.number,
                        wasAccepted: decision.outcome == .takenUpAgain, reopenedAt: decision.decidedAt),
                    about: report.id)
            }
            return context.event(
                SiteReportAccepted(
                    report: report.id, site: report.site, agreement: agreement, number: report.number,
                    acceptedAt: decision.decidedAt), about: report.id)
        }
    }
}

extension SiteReportRecord {
    /// A row of `site_reports` joined with its site's agreement, its last submission and its last decision.
    init(row: PostgresRow) throws {
        agreement = try row.get("agreement")
        report = SiteReport(
            id: try row.get("id"), site: try row.get("site"), number: try row.get("number"),
            submission: SiteReportSubmission(
                SiteReportContent(
                    period: (from: try row.day("period_from"), until: try row.day("period_until")),
                    summary: try row.get("summary"), documentReference: try row.get("document_reference")),
                by: try row.get("submitted_by"), at: try row.get("submitted_at")))
        report.version = try row.get("version")
        report.state = try row.get("state")
        guard let outcome: SiteReportDecision.Outcome = try row.get("outcome") else { return }
        report.decision = SiteReportDecision(
            outcome, reason: try row.get("reason"), by: try row.get("decided_by"), at: try row.get("decided_at"))
    }
}

extension PostgresRow {
    /// A day of a column that holds a date as text.
    fileprivate func day(_ column: String) throws -> CalendarDay {
        guard let day = CalendarDay(try get(column, as: String.self)) else {
            preconditionFailure("a stored day is none of the calendar from 1 to 9999")
        }
        return day
    }
}
