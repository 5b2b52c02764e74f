import Events
import Foundation
import FundingDomain
import HTTPTypes
import Identity
import TestSupport
import Testing

/// The essential data of subsidies, a row for each beneficiary.
@Suite(.timeLimit(.minutes(10))) struct OpenDataTests {
    struct StandingAnswer: Decodable {
        struct Fault: Decodable {
            let line: Int
            let field: String
        }

        let agreement: UUID
        let reference: String
        let status: String
        let day: String?
        let faults: [Fault]
    }

    private struct PublishedAnswer: Decodable {
        let references: [String]
    }

    static let settings = ["funding.funder-name": "Caisse des Dépôts", "funding.funder-siret": "18002002600019"]

    private func parties(
        reference: String = "TLE-2026-001", leadCents: Int64 = 70_000_000, siret: String = "20003452800014"
    ) -> String {
        """
        {"reference": "\(reference)", "object": "Animation d'un tiers-lieu d'expérimentation",
         "paymentFrom": "2026-03-01", "paymentUntil": "2028-03-01",
         "lines": [
          {"siren": "200034528", "siret": "\(siret)", "name": "CHU de Lille", "isPrivateLaw": false,
           "isDeMinimis": false, "grantedCents": \(leadCents)},
          {"siren": "732829320", "siret": "73282932000074", "name": "Association « L'Établi »", "isPrivateLaw": true,
           "isDeMinimis": false, "grantedCents": 30000000}]}
        """
    }

    private func set(
        _ json: String, of agreement: UUID, version: Int64, _ programme: Programme
    ) async throws -> TestAnswer {
        try await programme.service.request(
            .put, "/v1/agreements/\(agreement.lowercase)/parties", as: [.operator], json: json,
            headers: Programme.ifMatch(version))
    }

    private func standing(of agreement: UUID, _ programme: Programme) async throws -> StandingAnswer {
        let page = try await programme.service.request(.get, "/v1/open-data/subsidies", as: [.ministry])
            .decode(PageAnswer<StandingAnswer>.self)
        return try #require(page.items.first { $0.agreement == agreement })
    }

    private func publish(_ programme: Programme) async throws -> [String] {
        try await programme.service.request(.post, "/v1/open-data/publications", as: [.operator], json: "{}")
            .decode(PublishedAnswer.self).references
    }

    private func document(_ programme: Programme) async throws -> String {
        try await programme.service.request(.get, "/v1/open-data/subsidies/document", as: [.applicant]).text
    }

    /// An agreement of two organisations.
    private func agreement(_ programme: Programme) async throws -> AgreementAnswer {
        var decision = Controls.decision(UUID(), call: programme.call, rank: 1)
        decision.partners = [ConsortiumMember(siren: "732829320", structureType: "esms", sector: "medico_social")]
        try await programme.decide(decision)
        let grant = try #require(try await programme.grants(of: decision.application).first)
        let drafted: AgreementAnswer = try await programme.draft(
            grant.id,
            content: """
                "lines": [{"siren": "732829320", "grantedCents": 30000000},
                          {"siren": "200034528", "grantedCents": 70000000}]
                """
        ).decode()
        return try await programme.sign(drafted.id).decode()
    }

    @Test func anAgreementIsPublishedOnceItIsCompleteAndSaysUntilThenWhatItLacks() async throws {
        try await Programme.with(settings: Self.settings) { programme in
            // given
            try await programme.prepare()
            let agreement = try await agreement(programme)
            // then: due three months after its signature, and not ready
            let incomplete = try await standing(of: agreement.id, programme)
            #expect(incomplete.status == "due" && incomplete.day == "2026-06-01")
            #expect(Set(incomplete.faults.map(\.field)).isSuperset(of: ["nomBeneficiaire", "idBeneficiaire", "objet"]))
            #expect(try await publish(programme) == [])
            // when
            let stored = try await set(parties(), of: agreement.id, version: 2, programme)
            // then
            #expect(stored.status == .ok && stored.version == 3)
            #expect(try await standing(of: agreement.id, programme).faults.isEmpty)
            #expect(try await publish(programme) == ["TLE-2026-001"])
            #expect(try await publish(programme) == [])
            let text = try await document(programme)
            let records = try SubsidyCSV.records(of: Array(text.utf8))
            #expect(records.map(\.amountCents) == [70_000_000, 30_000_000])
            #expect(records.map(\.beneficiaryName) == ["CHU de Lille", "Association « L'Établi »"])
            #expect(text.contains("TLE-2026-001") && text.contains("2026-03-01/2028-03-01"))
            #expect(try await standing(of: agreement.id, programme).status == "published")
            // when: a name is corrected
            let corrected = parties().replacing("L'Établi", with: "L'Atelier")
            #expect(try await set(corrected, of: agreement.id, version: 3, programme).status == .ok)
            // then: the corrected rows take the place of the old ones, under the same reference
            #expect(try await publish(programme) == ["TLE-2026-001"])
            let after = try await document(programme)
            #expect(after.contains("L'Atelier") && !after.contains("L'Établi"))
            let renamed = try await set(parties(reference: "B"), of: agreement.id, version: 4, programme)
            #expect(renamed.problem?.field == "/reference")
        }
    }

    @Test func anAmendmentIsPublishedInTheTimeOfItsOwn() async throws {
        try await Programme.with(settings: Self.settings) { programme in
            // given: published, and amended two months later
            try await programme.prepare()
            let agreement = try await agreement(programme)
            #expect(try await set(parties(), of: agreement.id, version: 2, programme).status == .ok)
            #expect(try await publish(programme) == ["TLE-2026-001"])
            let lines = Amendments.lines(("200034528", 60_000_000), ("732829320", 40_000_000))
            let amendment: Amendments.AmendmentAnswer = try await Amendments.draft(agreement.id, lines, programme)
                .decode()
            programme.service.clock.set(try #require(WireInstant.parse("2026-05-04T09:00:00Z")))
            let signatures = Programme.signatures.replacing("2026-03-01", with: "2026-05-04")
            let signed = try await programme.service.request(
                .post, "/v1/amendments/\(amendment.id.lowercase)/sign", as: [.operator], json: signatures,
                headers: Programme.ifMatch(1))
            #expect(signed.status == .ok, "\(signed.text)")
            // then: the new version is due three months after it was signed
            let due = try await standing(of: agreement.id, programme)
            #expect(due.status == "due" && due.day == "2026-08-04")
            // when
            #expect(try await publish(programme) == ["TLE-2026-001"])
            // then
            let records = try SubsidyCSV.records(of: Array(try await document(programme).utf8))
            #expect(records.map(\.amountCents) == [60_000_000, 40_000_000])
            #expect(try await standing(of: agreement.id, programme).status == "published")
            #expect(try await publish(programme) == [])
        }
    }

    @Test func afterThreeMonthsItIsOverdue() async throws {
        try await Programme.with(settings: Self.settings) { programme in
            try await programme.prepare()
            let agreement = try await agreement(programme)
            programme.service.clock.set(try #require(WireInstant.parse("2026-06-01T21:59:59Z")))
            #expect(try await standing(of: agreement.id, programme).status == "due")
            // In Paris it is the next day.
            programme.service.clock.set(try #require(WireInstant.parse("2026-06-01T22:00:00Z")))
            #expect(try await standing(of: agreement.id, programme).status == "overdue")
        }
    }

    @Test func partiesAreOfTheConsortiumAndAddUpToTheGrant() async throws {
        try await Programme.with(settings: Self.settings) { programme in
            // given
            try await programme.prepare()
            let agreement = try await agreement(programme)
            // then
            for (json, field) in [
                (parties(leadCents: 69_999_999), "/lines"),
                (parties().replacing("30000000", with: "30000001"), "/lines"),
                (parties(siret: "20003452800041"), "/lines/0/siret"),
                (parties(siret: "73282932000074"), "/lines/0/siret"), (parties(reference: " "), "/reference"),
                (parties().replacing("732829320", with: "552032534"), "/lines/1/siren"),
                (parties().replacing("2028-03-01", with: "2025-03-01"), "/paymentUntil"),
                (parties().replacing("2028-03-01", with: "2025-02-30"), "/paymentUntil"),
            ] {
                let refused = try await set(json, of: agreement.id, version: 2, programme)
                #expect(refused.problem?.field == field, "\(refused.text)")
            }
            #expect(try await set(parties(), of: agreement.id, version: 1, programme).status == .preconditionFailed)
            // when: its money goes on as before
            #expect(try await set(parties(), of: agreement.id, version: 2, programme).status == .ok)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let payment = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self).id
            _ = try await programme.approve(payment)
            #expect(try await programme.execute(payment).status == .ok)
            #expect(try await set(parties(), of: agreement.id, version: 3, programme).status == .ok)
            try await programme.expectBalancedLedger()
        }
    }
}
