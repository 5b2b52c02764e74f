import Events
import Foundation
import HTTPDefaults
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct Refusals {
    private func expect(
        _ answer: TestAnswer, _ status: HTTPResponse.Status, _ slug: String, at field: String? = nil,
        _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, sourceLocation: place)
        #expect(answer.problemSlug == slug, sourceLocation: place)
        #expect(answer.problem?.field == field, sourceLocation: place)
        #expect(answer.headers[.contentType] == "application/problem+json", sourceLocation: place)
    }

    @Test func ruleSetsAreCheckedFieldByFieldAndFollowOneAnother() async throws {
        try await Programme.with { programme in
            // given
            #expect(try await programme.publishRules().status == .created)
            // then
            expect(try await programme.publishRules(), .conflict, "rule-set-exists", at: "/ruleSet")
            expect(
                try await programme.publishRules(name: "b", validFrom: "2026-02-01T00:00:00Z"), .conflict,
                "rule-set-backdated", at: "/validFrom")
            expect(
                try await programme.publishRules(name: "Größe"), .unprocessableContent, "invalid-field",
                at: "/ruleSet")
            expect(
                try await programme.publishRules(name: "c", validFrom: "tomorrow"), .unprocessableContent,
                "invalid-field", at: "/validFrom")
            #expect(
                try await programme.publishRules(name: "d", validFrom: "2026-04-01T00:00:00Z").status == .created)
            #expect(try await programme.eventTypes() == ["rule-set.published", "rule-set.published"])
        }
    }

    @Test func envelopesStayWithinTheirCall() async throws {
        try await Programme.with { programme in
            // then
            let unknown = try await programme.openEnvelope("animation", 100)
            expect(unknown, .conflict, "call-not-known", at: "/call")
            #expect(unknown.headers[.retryAfter] != nil)
            // given
            try await programme.publishCall(animationCents: 1000, experimentsCents: 2000)
            // then
            expect(try await programme.openEnvelope("animation", 1001), .conflict, "above-call", at: "/amountCents")
            expect(
                try await programme.openEnvelope("animation", 0), .unprocessableContent, "invalid-field",
                at: "/amountCents")
            expect(
                try await programme.openEnvelope("travel", 1), .unprocessableContent, "invalid-field", at: "/kind")
            #expect(try await programme.openEnvelope("animation", 1000).status == .created)
            expect(try await programme.openEnvelope("animation", 1000), .conflict, "envelope-exists")
            #expect(try await programme.eventTypes() == ["envelope.opened"])
        }
    }

    @Test func agreementsAreRefusedWithTheirReason() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 100_000_000)
            let grant = try await programme.reservedGrant()
            let exhausted = try await programme.reservedGrant(rank: 2)
            let agreement = try await programme.draft(grant.id).decode(AgreementAnswer.self)
            // then
            expect(try await programme.draft(UUID()), .notFound, "not-found")
            expect(try await programme.draft(grant.id), .conflict, "agreement-exists", at: "/grant")
            expect(try await programme.draft(exhausted.id), .conflict, "grant-not-reserved", at: "/grant")
            expect(
                try await programme.sign(agreement.id, version: nil), .preconditionRequired, "if-match-required")
            expect(try await programme.sign(agreement.id, version: 7), .preconditionFailed, "version-mismatch")
            expect(
                try await programme.sign(
                    agreement.id,
                    json: #"{"signedOn":"2026-03-01","signatories":[{"side":"funder","name":"a","role":"b"}]}"#),
                .unprocessableContent, "side-missing", at: "/signatories")
            expect(
                try await programme.sign(
                    agreement.id, json: Programme.signatures.replacing("2026-03-01", with: "2026-13-01")),
                .unprocessableContent, "invalid-field", at: "/signedOn")
            expect(
                try await programme.sign(
                    agreement.id, json: Programme.signatures.replacing("2026-03-01", with: "2026-03-09")),
                .unprocessableContent, "invalid-field", at: "/signedOn")
            expect(
                try await programme.sign(
                    agreement.id, json: Programme.signatures.replacing("\"funder\"", with: "\"state\"")),
                .unprocessableContent, "invalid-field", at: "/signatories/0/side")
            #expect(try await programme.sign(agreement.id).status == .ok)
            expect(try await programme.sign(agreement.id, version: 2), .conflict, "agreement-signed")
            expect(try await programme.sign(UUID()), .notFound, "not-found")
        }
    }

    @Test func eachCommandNeedsItsRole() async throws {
        try await Programme.with { programme in
            let id = UUID().lowercase
            let commands: [(String, [Role])] = [
                ("/v1/rule-sets", [.payingOfficer]), ("/v1/envelopes", [.ministry]), ("/v1/agreements", [.applicant]),
                ("/v1/agreements/\(id)/sign", [.siteManager]), ("/v1/tranches/\(id)/payments", [.payingOfficer]),
                ("/v1/payments/\(id)/approve", [.operator]), ("/v1/payments/\(id)/execute", [.operator]),
            ]
            for (path, roles) in commands {
                let wrong = try await programme.service.request(.post, path, as: roles, json: "{}")
                expect(wrong, .forbidden, "forbidden")
                let nobody = try await programme.service.request(.post, path, json: "{}")
                expect(nobody, .unauthorized, "unauthenticated")
            }
            #expect(try await programme.eventTypes().isEmpty)
        }
    }

    @Test func repeatedCommandIsAnsweredFromMemoryAndAnotherBodyIsRefused() async throws {
        try await Programme.with { programme in
            // given
            try await programme.publishCall()
            let headers: HTTPFields = [.idempotencyKey: "envelope-1"]
            func open(_ cents: Int) async throws -> TestAnswer {
                try await programme.service.request(
                    .post, "/v1/envelopes", as: [.operator],
                    json: #"{"call":"\#(programme.call.lowercase)","kind":"animation","amountCents":\#(cents)}"#,
                    headers: headers)
            }
            // when
            let first = try await open(1000)
            let again = try await open(1000)
            let other = try await open(2000)
            // then
            #expect(first.status == .created && again.text == first.text)
            #expect(first.headers[.location]?.hasPrefix("/v1/envelopes/") == true)
            expect(other, .unprocessableContent, "idempotency-key-reused")
            #expect(try await programme.eventTypes() == ["envelope.opened"])
        }
    }
}
