import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Experimentation

/// Every refusal has its status, its slug and its field, and leaves nothing behind.
struct RefusalTests {
    private func expect(
        _ answer: TestAnswer, _ status: HTTPResponse.Status, _ slug: String, _ field: String? = nil,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, "\(answer.text)", sourceLocation: location)
        #expect(answer.problemSlug == slug, "\(answer.text)", sourceLocation: location)
        #expect(answer.problem?.field == field, "\(answer.text)", sourceLocation: location)
    }

    @Test func aSiteIsOpenedOnceByItsOrganisation() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let path = "/v1/sites/\(site.id)/open"
            expect(try await site.act(.post, path, json: "{}"), .preconditionRequired, "if-match-required")
            expect(
                try await site.act(.post, path, organisation: "100000009", version: 1, json: "{}"), .notFound,
                "not-found")
            expect(
                try await site.act(.post, path, organisation: nil, version: 1, json: "{}"), .forbidden,
                "organisation-required")
            expect(try await site.act(.post, path, as: .ethics, version: 1, json: "{}"), .forbidden, "forbidden")
            expect(
                try await site.act(.post, path, version: 1, json: #"{"addressCommune": " "}"#), .unprocessableContent,
                "invalid-field", "/addressCommune")
            expect(try await site.open(version: 2), .preconditionFailed, "version-mismatch")
            #expect(try await site.act(.post, path, as: .operator, version: 1, json: "{}").status == .ok)
            expect(try await site.open(version: 2), .conflict, "site-already-open")
            #expect(try await service.recordedEvents().count == 1)
        }
    }

    @Test func aRegistrationNamesItsWrongField() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            expect(
                try await site.register(requestedCents: 70_000_001), .unprocessableContent, "invalid-field",
                "/requestedCents")
            expect(try await site.register(site: UUID().uuidString), .notFound, "not-found")
            expect(
                try await site.act(.post, "/v1/experiments", json: #"{"site": "\#(site.id)"}"#), .unprocessableContent,
                "invalid-field", "/title")
            let other = try await PlannedSite(service, siren: "100000009")
            expect(try await site.register(site: other.id), .notFound, "not-found")
            #expect(try await service.recordedEvents().isEmpty)
        }
    }

    @Test func aProtocolIsApprovedByTheEthicsSide() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let experiment = try await site.register().decode(PlannedSite.Shown.self).id
            let path = "/v1/experiments/\(experiment)/protocol"
            expect(
                try await site.act(.post, path, version: 1, json: PlannedSite.protocolBody()), .forbidden, "forbidden")
            expect(
                try await site.act(
                    .post, path, as: .ethics, subject: "site-manager-1", version: 1, json: PlannedSite.protocolBody()),
                .forbidden, "separation-of-duties")
            let cases: [(String, String, String)] = [
                (PlannedSite.protocolBody(version: 2), "protocol-version-taken", "/protocolVersion"),
                (PlannedSite.protocolBody(qualification: "RIPH2"), "evidence-required", "/evidenceReference"),
                (PlannedSite.protocolBody(qualification: "RIPH9"), "invalid-field", "/legalQualification"),
                (PlannedSite.protocolBody(instrument: "SF 36"), "invalid-field", "/windows/0/instrument"),
            ]
            for (json, slug, field) in cases {
                let answer = try await site.approve(experiment, version: 1, json: json)
                expect(answer, slug == "protocol-version-taken" ? .conflict : .unprocessableContent, slug, field)
            }
            let evidence = PlannedSite.protocolBody(qualification: "RIPH2", evidence: #""CPP 2026-A0001""#)
            #expect(try await site.approve(experiment, version: 1, json: evidence).status == .ok)
            #expect(try await site.show(experiment).protocol?.protocolVersion == 1)
        }
    }

    @Test func anExperimentStartsWhenEverythingIsThere() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.register().decode(PlannedSite.Shown.self).id
            // when, then
            expect(try await site.step(experiment, "start", version: 1), .conflict, "site-not-open")
            _ = try await site.open()
            let pending = try await site.step(experiment, "start", version: 1)
            expect(pending, .conflict, "cofunding-pending")
            #expect(pending.headers[.retryAfter] == "2")
            try await site.settle(experiment)
            expect(try await site.step(experiment, "start", version: 2), .conflict, "protocol-missing")
            expect(try await site.enrol(experiment), .conflict, "wrong-state")
            _ = try await site.approve(experiment, version: 2)
            expect(try await site.step(experiment, "complete", version: 3), .conflict, "wrong-state")
            #expect(try await site.step(experiment, "start", version: 3).status == .ok)
            expect(try await site.approve(experiment, version: 4), .conflict, "wrong-state")
            #expect(try await site.show(experiment).startedAt == service.clock.now())
        }
    }

    @Test func refusedCofundingKeepsAnExperimentFromStarting() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            _ = try await site.open()
            let experiment = try await site.register().decode(PlannedSite.Shown.self).id
            _ = try await site.approve(experiment, version: 1)
            let refused = CofundingRefused(
                experiment: try #require(UUID(uuidString: experiment)), agreement: site.agreement.agreement,
                requestedCents: 1, reason: "envelope-exhausted")
            try await service.deliver(refused, subject: experiment)
            expect(try await site.step(experiment, "start", version: 3), .conflict, "cofunding-refused")
            #expect(try await site.show(experiment).cofunding.reason == "envelope-exhausted")
        }
    }

    @Test func enrolmentsAreCheckedAtTheDoor() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            expect(
                try await site.enrol(experiment, code: "1 84 03"), .unprocessableContent, "invalid-field",
                "/externalCode")
            expect(
                try await site.enrol(experiment, code: "1840375123456"), .unprocessableContent, "national-identifier",
                "/externalCode")
            expect(
                try await site.enrol(experiment, arm: "placebo"), .unprocessableContent, "invalid-field", "/arm")
            expect(
                try await site.enrol(experiment, scope: "newsletter"), .unprocessableContent, "consent-scope",
                "/consent/scope")
            expect(
                try await site.enrol(experiment, givenAt: "2026-03-02T09:00:01Z"), .unprocessableContent,
                "consent-in-future", "/consent/givenAt")
            expect(try await site.enrol(experiment, organisation: "100000009"), .notFound, "not-found")
            #expect(try await site.enrol(experiment, code: "P-1").status == .created)
            expect(try await site.enrol(experiment, code: "P-1"), .conflict, "already-enrolled", "/externalCode")
            #expect(try await site.show(experiment).participants.count == 1)
            _ = try await site.step(experiment, "complete", version: 3)
            expect(try await site.enrol(experiment), .conflict, "wrong-state")
        }
    }

    @Test func othersExperimentsDoNotExist() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            let path = "/v1/experiments/\(experiment)"
            for (method, step) in [(HTTPRequest.Method.get, ""), (.post, "/complete"), (.get, "/participants")] {
                let answer = try await site.act(
                    method, path + step, organisation: "100000009", version: 3, json: method == .get ? nil : "{}")
                expect(answer, .notFound, "not-found")
            }
            expect(try await site.act(.get, path + "/participants", as: .operator), .forbidden, "forbidden")
            for role in [Role.operator, .ethics] {
                #expect(try await site.act(.get, path, as: role).status == .ok)
            }
            let listed = try await site.act(.get, "/v1/experiments", organisation: "100000009")
            #expect(listed.text == #"{"items":[],"next":null}"#)
        }
    }
}
