import CofundingRules
import Testing

import struct FoundationEssentials.UUID

@testable import ExperimentationDomain

struct SiteReportTests {
    private func report(_ content: SiteReportContent? = nil) throws -> SiteReport {
        try Controls.site().report(
            try content ?? Controls.content(), id: UUID(), number: 1, by: "site-1", at: Controls.now)
    }

    @Test func aReportIsSubmittedSentBackSubmittedAgainAcceptedAndTakenUpAgain() throws {
        // given
        var report = try report()
        #expect(report.state == .submitted && report.version == 1 && report.decision == nil)
        // when, then
        try report.obey(.reopen(reason: "No figures"), by: "operator-1")
        #expect(report.state == .reopened && report.decision?.outcome == .sentBack)
        let second = try Controls.content(summary: "412 persons")
        try report.obey(.submit(second), by: "site-2")
        #expect(report.state == .submitted && report.submission.content == second)
        #expect(report.submission.submittedBy == "site-2")
        try report.obey(.accept, by: "operator-1")
        #expect(report.state == .accepted && report.decision?.outcome == .accepted && report.decision?.reason == nil)
        try report.obey(.reopen(reason: "Counted twice"), by: "operator-2")
        #expect(report.state == .reopened && report.decision?.outcome == .takenUpAgain)
        #expect(report.decision?.reason == "Counted twice" && report.version == 5)
    }

    @Test func whoSubmittedLastDoesNotAccept() throws {
        var report = try report()
        let explanation = refusal { try report.obey(.accept, by: "site-1") }
        #expect(explanation?.slug == "separation-of-duties" && explanation?.kind == .forbidden)
        try report.obey(.reopen(reason: "No figures"), by: "operator-1")
        try report.obey(.submit(try Controls.content()), by: "operator-1")
        #expect(refusal { try report.obey(.accept, by: "operator-1") }?.slug == "separation-of-duties")
        try report.obey(.accept, by: "operator-2")
    }

    @Test func everyCommandHasItsStates() throws {
        // given
        let submitted = try report()
        var (accepted, reopened) = (submitted, submitted)
        try accepted.obey(.accept, by: "operator-1")
        try reopened.obey(.reopen(reason: "No figures"), by: "operator-1")
        let commands: [SiteReportCommand] = [.submit(try Controls.content()), .accept, .reopen(reason: "No figures")]
        // when
        let allowed = [submitted, accepted, reopened].map { report in
            commands.map { command in
                refusal {
                    var report = report
                    try report.obey(command, by: "operator-2")
                }?.slug
            }
        }
        // then
        let wrong = "wrong-state"
        #expect(allowed == [[wrong, nil, nil], [wrong, wrong, nil], [nil, wrong, wrong]])
    }

    @Test func aPlannedSiteHasNothingToReport() throws {
        let site = try Controls.site(open: false)
        let explanation = refusal {
            _ = try site.report(try Controls.content(), id: UUID(), number: 1, by: "site-1", at: Controls.now)
        }
        #expect(explanation?.slug == "site-not-open")
    }

    @Test(
        arguments: [
            (("2026-06-30", "2026-06-29", "x", nil), "/periodUntil"), (("2026-06-30", "2026-06-30", "x", nil), nil),
            (("2026-01-01", "2026-06-30", " \n", nil), "/summary"),
            (("2026-01-01", "2026-06-30", "a\u{0}b", nil), "/summary"),
            (("2026-01-01", "2026-06-30", "a\tb", nil), "/summary"),
            (("2026-01-01", "2026-06-30", "a\u{85}b", nil), "/summary"),
            (("2026-01-01", "2026-06-30", "a\r\nb\n\nc", nil), nil),
            (("2026-01-01", "2026-06-30", String(repeating: "é", count: 10_000), nil), nil),
            (("2026-01-01", "2026-06-30", String(repeating: "é", count: 10_001), nil), "/summary"),
            (("2026-01-01", "2026-06-30", "x", "a\nb"), "/documentReference"),
            (("2026-01-01", "2026-06-30", "x", ""), "/documentReference"),
            (("2026-01-01", "2026-06-30", "x", String(repeating: "r", count: 256)), nil),
            (("2026-01-01", "2026-06-30", "x", String(repeating: "r", count: 257)), "/documentReference"),
        ] as [((from: String, until: String, summary: String, reference: String?), String?)])
    func aReportNamesItsWrongField(
        _ sent: (from: String, until: String, summary: String, reference: String?), _ field: String?
    ) throws {
        let content = try Controls.content(
            from: sent.from, until: sent.until, summary: sent.summary, reference: sent.reference)
        #expect(refusal { _ = try report(content) }?.field == field)
        // The same when it is submitted again.
        var reopened = try report()
        try reopened.obey(.reopen(reason: "No figures"), by: "operator-1")
        #expect(refusal { try reopened.obey(.submit(content), by: "site-1") }?.field == field)
    }

    @Test(arguments: ["", "two\nlines", String(repeating: "x", count: 501)])
    func aReportIsReopenedForAReason(_ reason: String) throws {
        var report = try report()
        #expect(refusal { try report.obey(.reopen(reason: reason), by: "operator-1") }?.field == "/reason")
        #expect(report.state == .submitted)
    }
}
