import Crypto
import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Applications

struct MainLineTests {
    @Test func anApplicationGoesFromDraftToAgreement() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.draft(#"{"call": "\#(stage.call)"}"#).decode(Stage.Shown.self).id
            // when
            #expect(try await stage.act(.put, id, version: 1, json: stage.content()).version == 2)
            let first = try await stage.act(.post, id, "submit", version: 2)
            service.clock.set(Stage.deadline)
            let changed = stage.content(title: "Version finale")
            #expect(try await stage.act(.put, id, version: 3, json: changed).version == 4)
            let second = try await stage.act(.post, id, "submit", version: 4)
            service.clock.set(Stage.graceUntil)
            let verdict = try await stage.act(.post, id, "eligibility", as: .operator, version: 5, json: "{}")
            #expect(verdict.text.contains(#""isEligible":true,"reasons":[],"state":"eligible","version":6"#))
            #expect(try await stage.review(id, by: "reviewer-1").status == .created)
            #expect(
                try await stage.review(id, by: "reviewer-2", json: Stage.reviewBody(points: 71)).status == .created)
            #expect(try await stage.recommend(id, version: 6).version == 7)
            #expect(try await stage.decide(id, version: 7).version == 8)
            try await deliverFunding(service, id)
            // then
            #expect(first.text != second.text)
            let shown = try await stage.show(id)
            #expect(shown.state == "contracted" && shown.version == 9 && shown.title == "Version finale")
            #expect(shown.submission?.number == 2)
            #expect(shown.grant?.state == "reserved" && shown.grant?.reservedCents == 75_000_000)
            #expect(shown.grant?.asOf == Stage.graceUntil)
            try await expectEvents(service, stage, id)
        }
    }

    private func deliverFunding(_ service: ServiceHarness, _ id: String) async throws {
        let (grant, application) = (UUID(), try #require(UUID(uuidString: id)))
        try await service.deliver(
            GrantReserved(
                grant: grant, envelope: UUID(), call: UUID(), kind: .animation, application: application,
                experiment: nil, beneficiarySiren: Stage.leadSiren, reservedCents: 75_000_000, ruleSet: "aap-tle-2022",
                bindingRule: "animation-rate"), subject: grant.lowercase)
        try await service.deliver(
            AgreementSigned(
                agreement: UUID(), grant: grant, application: application, call: UUID(),
                lead: ConsortiumMember(siren: Stage.leadSiren, structureType: "esms", sector: nil), partners: [],
                grantedCents: 75_000_000, tranches: [], signedAt: service.clock.now()), subject: UUID().lowercase)
    }

    private func expectEvents(_ service: ServiceHarness, _ stage: Stage, _ id: String) async throws {
        let events = try await service.recordedEvents()
        #expect(
            events.map(\.type) == [
                "applications.call.published.v1", "applications.application.submitted.v1",
                "applications.application.submitted.v1", "applications.application.eligibility-decided.v1",
                "applications.application.recommended.v1", "applications.application.decided.v1",
            ])
        #expect(events.map(\.subject) == [stage.call, id, id, id, id, id])
        #expect(events.map(\.sequence) == [1, 1, 2, 3, 4, 5])
        #expect(
            events.map(\.actor) == [
                "test-user", "applicant-1", "applicant-1", "operator-1", "committee-1", "decision-maker-1",
            ])
        let lead = ConsortiumMember(
            siren: Stage.leadSiren, structureType: "etablissement_sante_public", sector: "sanitaire")
        let decided = try events[5].decode(ApplicationDecided.self)
        #expect(decided.outcome == .funded && decided.rank == 1 && decided.lead == lead)
        #expect(decided.partners.map(\.siren) == [Stage.partnerSiren] && decided.partners[0].sector == nil)
        #expect(decided.animationBudgetCents == 150_000_000 && decided.requestedCents == 75_000_000)
        #expect(decided.call == UUID(uuidString: stage.call) && decided.decidedAt == Stage.graceUntil)
        let recommended = try events[4].decode(ApplicationRecommended.self)
        #expect(recommended.reviewCount == 2 && recommended.meanScoreHundredths == 7550)
        let all = events.map { String(decoding: $0.data, as: UTF8.self) }.dropFirst().joined()
        for secret in ["Ada", "ada.martin", "confidentiel", "Version finale", "CHU de la Rive"] {
            #expect(!all.contains(secret), "an event carries \(secret)")
        }
    }

    @Test func theReceiptIsTheDigestOfTheDepositedBytes() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.submitted()
            // when
            let bytes = try await stage.act(.get, id, "deposit").bytes
            // then
            let digest = SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(try await stage.show(id).submission?.receipt == digest)
            let event = try await service.recordedEvents(type: "applications.application.submitted.v1").first
            #expect(try event?.decode(ApplicationSubmitted.self).receipt == digest)
            #expect(String(decoding: bytes, as: UTF8.self).contains("Maison de la santé numérique"))
            #expect(!String(decoding: bytes, as: UTF8.self).contains("ada.martin"))
        }
    }

    @Test func theCheckComputesTheGrantAndNamesWhatIsMissing() async throws {
        struct Check: Decodable {
            struct Found: Decodable {
                let slug: String
                let field: String
                let severity: String
                let messageFr: String
            }
            struct Step: Decodable {
                let rule: String
                let valueCents: Int64
                let isBinding: Bool
            }
            let findings: [Found]
            let computedGrantCents: Int64?
            let derivation: [Step]
        }
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let complete = try await stage.draft(stage.content(requestedCents: 80_000_000)).decode(Stage.Shown.self).id
            let empty = try await stage.draft(#"{"call": "\#(stage.call)"}"#).decode(Stage.Shown.self).id
            // when
            let checked = try await stage.act(.post, complete, "check", json: "{}").decode(Check.self)
            let missing = try await stage.act(.post, empty, "check").decode(Check.self)
            // then
            #expect(checked.computedGrantCents == 75_000_000)
            #expect(checked.derivation.filter(\.isBinding).map(\.rule) == ["animation-rate"])
            #expect(checked.findings.map(\.slug) == ["requested-above-cap"])
            #expect(missing.computedGrantCents == nil && missing.derivation.isEmpty)
            #expect(
                missing.findings.filter { $0.severity == "error" }.map(\.field) == [
                    "/title", "/lead", "/animationBudgetCents", "/requestedCents", "/contact",
                ])
            #expect(missing.findings.allSatisfy { $0.messageFr.hasPrefix($0.field) })
        }
    }

    @Test func theHistoryIsTheLogOfTheApplication() async throws {
        struct History: Decodable {
            struct Item: Decodable {
                let type: String
                let actor: String
                let sequence: Int64
                let time: Date
            }
            let items: [Item]
        }
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.submitted()
            try await stage.reviewed(id)
            let history = try await stage.act(.get, id, "history", as: .operator).decode(History.self)
            #expect(history.items.map(\.sequence) == [1, 2])
            #expect(history.items.map(\.actor) == ["applicant-1", "operator-1"])
            #expect(history.items[1].time == Stage.graceUntil)
            #expect(try await stage.act(.get, id, "history").status == .forbidden)
        }
    }
}
