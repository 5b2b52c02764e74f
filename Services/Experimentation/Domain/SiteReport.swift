package import CofundingRules

package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

package enum SiteReportState: String, Sendable, CaseIterable {
    case submitted
    case accepted
    /// The site has to submit it again.
    case reopened
}

/// What a site says of a period of its work.
package struct SiteReportContent: Sendable, Equatable {
    package let periodFrom: CalendarDay
    /// Inclusive.
    package let periodUntil: CalendarDay
    package let summary: String
    /// Where the full document lies.
    package let documentReference: String?

    package init(period: (from: CalendarDay, until: CalendarDay), summary: String, documentReference: String?) {
        periodFrom = period.from
        periodUntil = period.until
        self.summary = summary
        self.documentReference = documentReference
    }

    func check() throws(ExperimentationError) {
        guard periodFrom <= periodUntil else {
            throw .invalidField("/periodUntil", expected: "a day from \(periodFrom) on")
        }
        try TextLimits.requireText(summary, "/summary", lengthMax: TextLimits.summaryLengthMax)
        guard let documentReference else { return }
        try TextLimits.require(documentReference, "/documentReference", lengthMax: TextLimits.referenceLengthMax)
    }
}

/// One version of a report, as somebody sent it in.
package struct SiteReportSubmission: Sendable, Equatable {
    package let content: SiteReportContent
    package let submittedBy: String
    package let submittedAt: Date

    package init(_ content: SiteReportContent, by: String, at: Date) {
        self.content = content
        submittedBy = by
        submittedAt = at
    }
}

/// What an operator made of a report.
package struct SiteReportDecision: Sendable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable {
        case accepted
        /// Reopened instead of accepted.
        case sentBack = "sent-back"
        /// Reopened after it was accepted.
        case takenUpAgain = "taken-up-again"
    }

    package let outcome: Outcome
    /// nil where it was accepted. Stays in this service.
    package let reason: String?
    package let decidedBy: String
    package let decidedAt: Date

    package init(_ outcome: Outcome, reason: String?, by: String, at: Date) {
        self.outcome = outcome
        self.reason = reason
        decidedBy = by
        decidedAt = at
    }
}

/// A third place's report on a period, with what was submitted last and what was decided last.
package struct SiteReport: Sendable, Equatable {
    package let id: UUID
    package let site: UUID
    /// Of the site's reports, from 1.
    package let number: Int
    package var version: Int64
    package var state: SiteReportState
    package var submission: SiteReportSubmission
    /// nil before the first.
    package var decision: SiteReportDecision?

    /// The first version of a report.
    package init(id: UUID, site: UUID, number: Int, submission: SiteReportSubmission) {
        self.id = id
        self.site = site
        self.number = number
        version = 1
        state = .submitted
        self.submission = submission
    }
}

extension Site {
    /// - Parameter number: the next of the site's reports.
    package func report(
        _ content: SiteReportContent, id: UUID, number: Int, by: String, at now: Date
    ) throws(ExperimentationError) -> SiteReport {
        guard state == .open else { throw .siteNotOpen }
        try content.check()
        return SiteReport(
            id: id, site: self.id, number: number, submission: SiteReportSubmission(content, by: by, at: now))
    }
}
