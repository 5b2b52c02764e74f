import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Applications

/// Every refusal has its status, its slug and its field, and leaves nothing behind.
struct RefusalTests {
    private func expect(
        _ answer: TestAnswer, _ status: HTTPResponse.Status, _ slug: String, _ field: String? = nil,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, "\(answer.text)", sourceLocation: location)
        #expect(answer.problemSlug == slug, "\(answer.text)", sourceLocation: location)
        #expect(answer.problem?.field == field, "\(answer.text)", sourceLocation: location)
        #expect(answer.headers[.contentType] == "application/problem+json", sourceLocation: location)
    }

    @Test func aCallIsPublishedByTheOperatorAndMakesSense() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let wrong = Stage.callBody.replacing("2026-04-01T12:00:00Z", with: "2026-03-31T12:00:00Z")
            expect(
                try await service.request(.post, "/v1/calls", as: [.operator], json: wrong), .unprocessableContent,
                "invalid-field", "/graceUntil")
            expect(
                try await service.request(.post, "/v1/calls", as: [.applicant], json: Stage.callBody), .forbidden,
                "forbidden")
            expect(
                try await service.request(.post, "/v1/calls", json: Stage.callBody), .unauthorized, "unauthenticated")
            expect(
                try await service.request(.get, "/v1/calls/\(UUID().uuidString)", as: [.applicant]), .notFound,
                "not-found")
            #expect(try await service.recordedEvents().isEmpty)
        }
    }

    @Test func draftsAreCheckedForWhatCannotBeStored() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let cases: [(String, String)] = [
                (#"{"title": "x"}"#, "/call"), (#"{"call": "\#(UUID().uuidString)"}"#, "/call"),
                (#"{"call": "\#(stage.call)", "lead": {"structureType": "hopital"}}"#, "/lead/structureType"),
                (#"{"call": "\#(stage.call)", "partners": [{"sector": "nord"}]}"#, "/partners/0/sector"),
                (#"{"call": "\#(stage.call)", "requestedCents": -1}"#, "/requestedCents"),
                (#"{"call": "\#(stage.call)", "title": "a\u0000b"}"#, "/title"),
                (#"{"call": "\#(stage.call)", "experiments": [{"budgetCents": "x"}]}"#, "/experiments/0/budgetCents"),
            ]
            for (json, field) in cases {
                expect(try await stage.draft(json), .unprocessableContent, "invalid-field", field)
            }
            let nobody = try await service.request(
                .post, "/v1/applications", as: [.applicant], json: stage.content())
            expect(nobody, .forbidden, "organisation-required")
            let list = try await service.request(.get, "/v1/applications", as: [.operator]).text
            #expect(list == #"{"items":[],"next":null}"#)
        }
    }

    @Test func anIncompleteApplicationIsRefusedWithAllFindings() async throws {
        struct Refused: Decodable {
            struct Found: Decodable {
                let slug: String
                let field: String
                let severity: String
                let messageEn: String
            }
            let findings: [Found]
        }
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.draft(stage.content(lead: "200034582")).decode(Stage.Shown.self).id
            // when
            let answer = try await stage.act(.post, id, "submit", version: 1)
            // then
            expect(answer, .unprocessableContent, "incomplete", "/lead/siren")
            #expect(try answer.decode(Refused.self).findings.map(\.slug) == ["siren-invalid"])
            #expect(try await stage.show(id, as: .applicant).state == "draft")
            #expect(try await service.recordedEvents().count == 1)
        }
    }

    @Test func changesNeedTheVersionThatWasSeen() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.draft().decode(Stage.Shown.self).id
            expect(
                try await stage.act(.put, id, json: stage.content()), .preconditionRequired, "if-match-required")
            expect(
                try await stage.act(.put, id, version: 2, json: stage.content()), .preconditionFailed,
                "version-mismatch")
            expect(try await stage.act(.post, id, "submit"), .preconditionRequired, "if-match-required")
            for (step, role) in [("eligibility", Role.operator), ("recommendation", .committee)] {
                expect(
                    try await stage.act(.post, id, step, as: role, json: "{}"), .preconditionRequired,
                    "if-match-required")
            }
        }
    }

    @Test func othersApplicationsDoNotExist() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.draft().decode(Stage.Shown.self).id
            // when, then
            for (subject, organisation) in [("applicant-2", Stage.leadSiren), ("applicant-1", Stage.partnerSiren)] {
                for (method, step) in [(HTTPRequest.Method.get, ""), (.put, ""), (.post, "submit"), (.post, "check")] {
                    let answer = try await stage.act(
                        method, id, step, subject: subject, organisation: organisation, version: 1,
                        json: method == .get ? nil : stage.content())
                    expect(answer, .notFound, "not-found")
                }
                let list = try await service.request(
                    .get, "/v1/applications", as: [.applicant], subject: subject, organisation: organisation)
                #expect(list.text == #"{"items":[],"next":null}"#)
            }
            for role in [Role.reviewer, .committee, .decisionMaker] {
                expect(try await stage.act(.get, id, as: role), .notFound, "not-found")
            }
            expect(try await stage.review(id, by: "reviewer-1"), .notFound, "not-found")
            expect(try await stage.act(.get, id, as: .ministry), .forbidden, "forbidden")
        }
    }

    @Test func theCalendarIsKept() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.draft().decode(Stage.Shown.self).id
            // when, then
            service.clock.set(Stage.opensAt.addingTimeInterval(-0.001))
            expect(try await stage.act(.post, id, "submit", version: 1), .conflict, "call-not-open")
            service.clock.set(Stage.graceUntil.addingTimeInterval(-0.001))
            #expect(try await stage.act(.post, id, "submit", version: 1).status == .ok)
            expect(try await stage.act(.post, id, "submit", version: 2), .conflict, "already-submitted")
            expect(
                try await stage.act(.post, id, "eligibility", as: .operator, version: 2, json: "{}"), .conflict,
                "call-still-open")
            service.clock.set(Stage.graceUntil)
            expect(
                try await stage.act(.put, id, version: 2, json: stage.content(title: "Trop tard")), .conflict,
                "call-closed")
            expect(try await stage.draft(), .conflict, "call-closed")
        }
    }

    @Test func eligibilityWaitsForTheRules() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service, knowsRules: false)
            let id = try await stage.submitted()
            service.clock.set(Stage.graceUntil)
            let answer = try await stage.act(.post, id, "eligibility", as: .operator, version: 2, json: "{}")
            expect(answer, .conflict, "rule-set-not-known")
            #expect(answer.headers[.retryAfter] == "2")
            try await service.deliver(Stage.ruleSet, subject: Stage.ruleSet.ruleSet)
            #expect(
                try await stage.act(.post, id, "eligibility", as: .operator, version: 2, json: "{}").status == .ok)
        }
    }

    @Test func anIneligibleApplicationIsToldWhy() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.submitted(
                stage.content(structureType: "acteur_innovation", requestedCents: 40_000_000))
            service.clock.set(Stage.graceUntil)
            let answer = try await stage.act(.post, id, "eligibility", as: .operator, version: 2, json: "{}")
            #expect(
                answer.text.contains(#""isEligible":false,"reasons":["no-health-structure","requested-above-cap"]"#))
            #expect(try await stage.show(id).state == "ineligible")
            expect(try await stage.review(id, by: "reviewer-1"), .conflict, "wrong-state")
        }
    }

    @Test func reviewersAreFreeOfTies() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.submitted()
            service.clock.set(Stage.graceUntil)
            _ = try await stage.act(.post, id, "eligibility", as: .operator, version: 2, json: "{}")
            expect(
                try await stage.review(id, by: "r", organisation: Stage.partnerSiren), .forbidden,
                "conflict-of-interest")
            let tied = Stage.reviewBody(ties: #"["100 000 009"]"#)
            expect(
                try await stage.review(id, by: "r", json: tied), .forbidden, "conflict-of-interest",
                "/organisationTies/0")
            expect(
                try await stage.review(id, by: "r", json: Stage.reviewBody(points: 101)), .unprocessableContent,
                "invalid-field", "/scores/impact")
            expect(
                try await stage.review(id, by: "r", json: Stage.reviewBody(conflict: #""peut-être""#)),
                .unprocessableContent, "invalid-field", "/conflictDeclared")
            expect(
                try await stage.review(id, by: "r", json: Stage.reviewBody(conflict: #"{"reason": "lien"}"#)),
                .unprocessableContent, "scores-with-conflict", "/scores")
            expect(
                try await stage.review(id, by: "r", json: "{}"), .unprocessableContent, "invalid-field",
                "/conflictDeclared")
            let recused = try await stage.review(id, by: "r", json: #"{"conflictDeclared": {"reason": "lien"}}"#)
            #expect(recused.status == .created && recused.text.contains(#""state":"recused""#))
            expect(try await stage.review(id, by: "r"), .conflict, "already-reviewed")
            #expect(try await stage.review(id, by: "s", json: Stage.reviewBody(conflict: "null")).status == .created)
            expect(try await stage.recommend(id), .conflict, "too-few-reviews")
        }
    }

    @Test func dutiesAreSeparated() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.submitted()
            try await stage.reviewed(id)
            expect(try await stage.recommend(id, rank: nil), .unprocessableContent, "rank-required", "/rank")
            expect(
                try await stage.recommend(id, "rejected", rank: 1), .unprocessableContent, "rank-not-allowed", "/rank")
            expect(
                try await stage.recommend(id, "peut-être"), .unprocessableContent, "invalid-field", "/recommendation")
            expect(try await stage.decide(id, version: 3), .conflict, "wrong-state")
            #expect(try await stage.recommend(id).status == .ok)
            expect(try await stage.decide(id, by: "committee-1"), .forbidden, "separation-of-duties")
            expect(
                try await stage.decide(id, "rejected", rank: nil), .unprocessableContent, "reason-required", "/reason")
            expect(try await stage.decide(id, rank: 2), .conflict, "rank-gap", "/rank")
            #expect(
                try await stage.decide(id, "rejected", rank: nil, reason: "Enveloppe épuisée.").status == .ok)
            #expect(try await stage.show(id).state == "rejected")
        }
    }
}
