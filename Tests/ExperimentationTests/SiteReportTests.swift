import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Experimentation

/// What sites say of periods of their work.
struct SiteReportTests {
    private struct Shown: Decodable {
        struct Decision: Decodable {
            let outcome: String
            let reason: String?
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
        let decision: Decision?
    }

    private struct Listed: Decodable {
        let items: [Shown]
        let next: String?
    }

    private static func body(
        from: String = "2026-01-01", until: String = "2026-06-30", summary: String = #"Deux en cours.\n412 personnes."#,
        reference: String = #""GED-1""#
    ) -> String {
        """
        {"periodFrom": "\(from)", "periodUntil": "\(until)", "summary": "\(summary)",
        "documentReference": \(reference)}
        """
    }

    private func submit(
        _ site: PlannedSite, json: String = body(), as role: Role = .siteManager
    ) async throws
        -> TestAnswer
    {
        try await site.act(.post, "/v1/sites/\(site.id)/reports", as: role, json: json)
    }

    private func change(
        _ site: PlannedSite, _ report: String, _ step: String, version: Int64, as role: Role = .operator,
        json: String? = nil
    ) async throws -> TestAnswer {
        try await site.act(.post, "/v1/site-reports/\(report)/\(step)", as: role, version: version, json: json)
    }

    private func openSite(_ service: ServiceHarness, siren: String = PlannedSite.siren) async throws -> PlannedSite {
        let site = try await PlannedSite(service, siren: siren)
        let path = "/v1/sites/\(site.id)/open"
        #expect(try await site.act(.post, path, as: .operator, version: 1, json: "{}").status == .ok)
        return site
    }

    @Test func aReportIsSentBackSubmittedAgainAcceptedAndTakenUpAgain() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await openSite(service)
            let answer = try await submit(site)
            let first = try answer.decode(Shown.self)
            #expect(answer.status == .created && answer.version == 1)
            #expect(answer.headers[.location] == "/v1/site-reports/\(first.id)")
            #expect(first.state == "submitted" && first.number == 1 && first.site == site.id)
            #expect(first.periodFrom == "2026-01-01" && first.periodUntil == "2026-06-30")
            #expect(first.summary == "Deux en cours.\n412 personnes." && first.documentReference == "GED-1")
            #expect(first.submittedAt == service.clock.now() && first.decision == nil)
            // when
            let reason = #"{"reason": "Sans chiffres"}"#
            let sentBack = try await change(site, first.id, "reopen", version: 1, json: reason)
            let corrected = Self.body(until: "2026-07-31", summary: "Mieux.", reference: "null")
            let again = try await change(site, first.id, "submit", version: 2, as: .siteManager, json: corrected)
            let accepted = try await change(site, first.id, "accept", version: 3)
            let takenUp = try await change(site, first.id, "reopen", version: 4, json: reason)
            // then
            #expect(try sentBack.decode(Shown.self).decision?.outcome == "sent-back")
            #expect(try again.decode(Shown.self).state == "submitted")
            #expect(try accepted.decode(Shown.self).decision?.outcome == "accepted")
            #expect(takenUp.version == 5)
            let shown = try await site.act(.get, "/v1/site-reports/\(first.id)").decode(Shown.self)
            #expect(shown.state == "reopened" && shown.periodUntil == "2026-07-31" && shown.documentReference == nil)
            #expect(shown.summary == "Mieux." && shown.decision?.outcome == "taken-up-again")
            #expect(shown.decision?.reason == "Sans chiffres")
            try await expectEvents(service, site, first.id)
            try await expectKept(service)
        }
    }

    private func expectEvents(_ service: ServiceHarness, _ site: PlannedSite, _ report: String) async throws {
        let events = try await service.recordedEvents().filter { $0.subject == report }
        let nouns = ["submitted", "reopened", "submitted", "accepted", "reopened"]
        #expect(events.map(\.type) == nouns.map { "experimentation.site-report.\($0).v1" })
        #expect(events.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(events.map(\.actor) == ["site-manager-1", "operator-1", "site-manager-1", "operator-1", "operator-1"])
        let submitted = try events[0].decode(SiteReportSubmitted.self)
        #expect(submitted.report.lowercase == report && submitted.site.lowercase == site.id)
        #expect(submitted.agreement == site.agreement.agreement && submitted.number == 1)
        #expect(try events[1].decode(SiteReportReopened.self).wasAccepted == false)
        #expect(try events[3].decode(SiteReportAccepted.self).acceptedAt == service.clock.now())
        #expect(try events[4].decode(SiteReportReopened.self).wasAccepted)
        let all = events.map { String(decoding: $0.data, as: UTF8.self) }.joined()
        for secret in ["Deux", "Mieux", "GED", "chiffres"] {
            #expect(!all.contains(secret), "an event carries \(secret)")
        }
    }

    /// Whatever was submitted and decided, and nobody changes it.
    private func expectKept(_ service: ServiceHarness) async throws {
        let rows = try await service.pool.query(
            "select version, summary, submitted_by from site_report_submissions order by version")
        #expect(try rows.map { try $0.get("version", as: Int64.self) } == [1, 3])
        #expect(try rows.map { try $0.get("summary", as: String.self) }.last == "Mieux.")
        let decisions = try await service.pool.query("select outcome from site_report_decisions order by version")
        #expect(
            try decisions.map { try $0.get("outcome", as: String.self) } == [
                "sent-back", "accepted", "taken-up-again",
            ])
        let statements: [PostgresQuery] = [
            "update site_report_submissions set summary = 'x'", "delete from site_report_submissions",
            "truncate site_report_submissions", "update site_report_decisions set decided_by = 'x'",
            "delete from site_report_decisions",
        ]
        for statement in statements {
            let error = await #expect(throws: PostgresError.self) { try await service.pool.query(statement) }
            #expect(error?.sqlState == "23001")
        }
    }

    @Test func reportsAreNumberedWithoutGapsWhenManyComeAtOnce() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let (site, other) = (try await openSite(service), try await openSite(service, siren: "100000009"))
            // when
            let numbers = try await withThrowingTaskGroup { group in
                for _ in 0..<20 { group.addTask { try await submit(site).decode(Shown.self).number } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // then
            #expect(numbers.sorted() == Array(1...20))
            #expect(try await submit(other, as: .operator).decode(Shown.self).number == 1)
        }
    }

    @Test func ofTwentyAcceptancesOneWins() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await openSite(service)
            let report = try await submit(site).decode(Shown.self).id
            // when
            let statuses = try await withThrowingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { try await change(site, report, "accept", version: 1).status.code }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            // then
            #expect(statuses == [200: 1, 412: 19])
            #expect(try await service.recordedEvents(type: SiteReportAccepted.type.name).count == 1)
        }
    }

    @Test func aLostAnswerToASubmissionCanBeAskedForAgain() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await openSite(service)
            func submit() async throws -> TestAnswer {
                try await service.request(
                    .post, "/v1/sites/\(site.id)/reports", as: [.siteManager], organisation: PlannedSite.siren,
                    json: Self.body(), headers: [.idempotencyKey: "report-1"])
            }
            let (first, again) = (try await submit(), try await submit())
            #expect(first.status == .created && again.text == first.text)
            #expect(try await service.recordedEvents(type: SiteReportSubmitted.type.name).count == 1)
        }
    }

    @Test func reportsArePagedAndSeenByTheirOrganisation() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await openSite(service)
            for _ in 0..<3 { #expect(try await submit(site).status == .created) }
            let path = "/v1/sites/\(site.id)/reports"
            // when
            let page = try await site.act(.get, "\(path)?limit=2").decode(Listed.self)
            let rest = try await site.act(.get, "\(path)?limit=2&after=\(page.next ?? "")", as: .operator)
                .decode(Listed.self)
            // then
            #expect(page.items.map(\.number) == [1, 2] && rest.items.map(\.number) == [3] && rest.next == nil)
            let report = "/v1/site-reports/\(page.items[0].id)"
            for other in [path, report] {
                #expect(try await site.act(.get, other, organisation: "100000009").status == .notFound)
                #expect(try await site.act(.get, other, as: .ethics).status == .forbidden)
                #expect(try await site.act(.get, other, organisation: nil).problemSlug == "organisation-required")
            }
            #expect(try await site.act(.get, "/v1/sites/\(UUID())/reports", as: .operator).status == .notFound)
        }
    }

    @Test func everyRefusalNamesWhatIsWrong() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let planned = try await PlannedSite(service)
            let site = try await openSite(service)
            // when, then
            #expect(try await submit(planned).problemSlug == "site-not-open")
            let bodies = [
                (Self.body(from: "2026-02-30"), "/periodFrom"), (Self.body(until: "soon"), "/periodUntil"),
                (Self.body(until: "2025-12-31"), "/periodUntil"), (Self.body(summary: #"a\tb"#), "/summary"),
                (Self.body(reference: #""a\nb""#), "/documentReference"),
            ]
            for (json, field) in bodies {
                let answer = try await submit(site, json: json)
                #expect(answer.status == .unprocessableContent && answer.problem?.field == field, "\(answer.text)")
            }
            let report = try await submit(site, as: .operator).decode(Shown.self).id
            #expect(try await service.recordedEvents(type: SiteReportSubmitted.type.name).count == 1)
            let own = try await change(site, report, "accept", version: 1)
            #expect(own.status == .forbidden && own.problemSlug == "separation-of-duties")
            #expect(try await change(site, report, "accept", version: 1, as: .siteManager).status == .forbidden)
            #expect(try await change(site, report, "accept", version: 2).status == .preconditionFailed)
            let early = try await change(site, report, "submit", version: 1, as: .siteManager, json: Self.body())
            #expect(early.status == .conflict && early.problemSlug == "wrong-state")
            let blank = try await change(site, report, "reopen", version: 1, json: #"{"reason": ""}"#)
            #expect(blank.status == .unprocessableContent && blank.problem?.field == "/reason")
            let reason = #"{"reason": "Sans chiffres"}"#
            let asSite = try await change(site, report, "reopen", version: 1, as: .siteManager, json: reason)
            #expect(asSite.status == .forbidden)
            #expect(try await change(site, report, "reopen", version: 1, json: reason).status == .ok)
            let foreign = try await site.act(
                .post, "/v1/site-reports/\(report)/submit", organisation: "100000009", version: 2, json: Self.body())
            #expect(foreign.status == .notFound)
            #expect(try await change(site, report, "accept", version: 2).problemSlug == "wrong-state")
            #expect(try await change(site, UUID().lowercase, "accept", version: 1).status == .notFound)
        }
    }
}
