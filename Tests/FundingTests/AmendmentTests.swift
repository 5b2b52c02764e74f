import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Funding

/// Signed agreements that change: who takes part, who gets what, and when.
@Suite(.timeLimit(.minutes(10))) struct Amendments {
    struct AmendmentAnswer: Decodable {
        let id: UUID
        let version: Int64
        let state: String
        let number: Int
        let difference: AgreementDifference
    }

    static let partner = "732829320"
    static let newcomer = "180020026"

    /// A consortium of two, 700,000 and 300,000 euros, signed, with statements each year.
    static func agreement(_ programme: Programme, schedule: String = "") async throws -> AgreementAnswer {
        var decision = Controls.decision(UUID(), call: programme.call, rank: 1)
        decision.partners = [ConsortiumMember(siren: partner, structureType: "esms", sector: "medico_social")]
        try await programme.decide(decision)
        let grant = try #require(try await programme.grants(of: decision.application).first)
        let drafted = try await programme.draft(
            grant.id,
            content: """
                "lines": [{"siren": "\(Controls.siren)", "budgetCents": 140000000, "grantedCents": 70000000},
                          {"siren": "\(partner)", "budgetCents": 60000000, "grantedCents": 30000000}],
                "terms": {"from": "2026-03-01", "until": "2028-02-29", "rateBasisPoints": 5000,
                          "statementMonths": 12, "statementDueDays": 60}\(schedule)
                """)
        #expect(drafted.status == .created, "\(drafted.text)")
        return try await programme.sign(try drafted.decode(AgreementAnswer.self).id).decode()
    }

    static func draft(_ agreement: UUID, _ content: String, _ programme: Programme) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/agreements/\(agreement.lowercase)/amendments", as: [.operator],
            json: #"{"reason": "le consortium change", \#(content)}"#)
    }

    static func sign(
        _ amendment: UUID, version: Int64 = 1, _ programme: Programme
    ) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/amendments/\(amendment.lowercase)/sign", as: [.operator], json: Programme.signatures,
            headers: Programme.ifMatch(version))
    }

    static func lines(_ lines: (siren: String, cents: Int64)...) -> String {
        let written = lines.map {
            #"{"siren": "\#($0.siren)", "grantedCents": \#($0.cents), "structureType": "esms"}"#
        }
        return #""lines": [\#(written.joined(separator: ", "))]"#
    }

    /// Pays a beneficiary's part of a tranche.
    static func pay(_ tranche: UUID, to siren: String, _ programme: Programme) async throws {
        let payment = try await programme.order(tranche, content: #""siren": "\#(siren)""#)
            .decode(PaymentAnswer.self).id
        #expect(try await programme.approve(payment).status == .ok)
        #expect(try await programme.execute(payment, reference: payment.lowercase).status == .ok)
    }

    @Test func eachBeneficiaryIsPaidItsPartAndTheTrancheIsPaidWithTheLast() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await Self.agreement(programme)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let tranche = try await programme.tranche(1, of: agreement.id)
            // then: 30 % of each part
            #expect(tranche.parts.map(\.amountCents) == [21_000_000, 9_000_000])
            #expect(
                agreement.tranches.map { $0.parts.map(\.amountCents).reduce(0, +) }
                    == agreement.tranches.map(\.amountCents))
            // when
            try await Self.pay(tranche.id, to: Self.partner, programme)
            // then
            let partly = try await programme.tranche(1, of: agreement.id)
            #expect(partly.state == "released" && partly.parts.map(\.isPaid) == [false, true])
            let stranger = try await programme.order(tranche.id, content: #""siren": "552032534""#)
            #expect(stranger.problemSlug == "no-part-of-tranche" && stranger.problem?.field == "/siren")
            let twice = try await programme.order(tranche.id, content: #""siren": "\#(Self.partner)""#)
            #expect(twice.problemSlug == "payment-exists")
            // when
            try await Self.pay(tranche.id, to: Controls.siren, programme)
            // then
            #expect(try await programme.tranche(1, of: agreement.id).state == "paid")
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aPartnerJoinsAnotherLeavesAndBothSeeTheDifferenceBeforeTheySign() async throws {
        try await Programme.with { programme in
            // given: the first tranche is paid to both
            try await programme.prepare()
            let agreement = try await Self.agreement(programme)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            for siren in [Controls.siren, Self.partner] {
                try await Self.pay(agreement.tranches[0].id, to: siren, programme)
            }
            // when: the partner leaves with what it was paid, a newcomer takes most of its part
            let drafted = try await Self.draft(
                agreement.id, Self.lines((Controls.siren, 75_000_000), (Self.newcomer, 16_000_000)), programme)
            // then
            #expect(drafted.status == .created, "\(drafted.text)")
            let amendment: AmendmentAnswer = try drafted.decode()
            let difference = amendment.difference
            #expect(difference.lines.map(\.siren) == [Controls.siren, Self.partner, Self.newcomer])
            #expect(difference.lines.map(\.change) == [.changes, .leaves, .joins])
            #expect(difference.lines.map(\.after.grantedCents) == [75_000_000, 9_000_000, 16_000_000])
            #expect(difference.givenBackCents == 0 && difference.tranches.map(\.number) == [2, 3])
            // Nothing changes before it is signed, and a second one has to wait.
            #expect(try await programme.agreement(agreement.id).version == 2)
            let second = try await Self.draft(agreement.id, Self.lines((Controls.siren, 91_000_000)), programme)
            #expect(second.problemSlug == "amendment-open")
            // when
            let signed = try await Self.sign(amendment.id, programme)
            // then: what is left of each part is spread over what is not paid
            #expect(signed.status == .ok, "\(signed.text)")
            let after = try await programme.agreement(agreement.id)
            #expect(after.version == 3 && after.grantedCents == 100_000_000)
            #expect(after.tranches.map(\.amountCents) == [30_000_000, 50_000_000, 20_000_000])
            let left = after.tranches.dropFirst().map { $0.parts.map { "\($0.siren) \($0.amountCents)" } }
            #expect(
                left == [
                    ["\(Controls.siren) 38571429", "\(Self.newcomer) 11428571"],
                    ["\(Controls.siren) 15428571", "\(Self.newcomer) 4571429"],
                ])
            let told = try await programme.service.recordedEvents(type: AgreementAmended.type.name)
            #expect(try told.first?.decode(AgreementAmended.self).parts.map(\.hasLeft) == [false, true, false])
            #expect(try await Self.sign(amendment.id, version: 2, programme).problemSlug == "amendment-not-draft")
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aGrantThatShrinksGivesBackAndOneThatGrowsIsRefused() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 150_000_000)
            let agreement = try await Self.agreement(programme)
            // when
            let more = try await Self.draft(
                agreement.id, Self.lines((Controls.siren, 70_000_001), (Self.partner, 30_000_000)), programme)
            // then
            #expect(more.problem?.field == "/lines")
            // when
            let less: AmendmentAnswer = try await Self.draft(
                agreement.id, Self.lines((Controls.siren, 60_000_000), (Self.partner, 30_000_000)), programme
            ).decode()
            #expect(less.difference.givenBackCents == 10_000_000)
            #expect(try await Self.sign(less.id, programme).status == .ok)
            // then
            let after = try await programme.agreement(agreement.id)
            #expect(after.tranches.map(\.amountCents) == [27_000_000, 45_000_000, 18_000_000])
            #expect(try await programme.envelopes()["animation"]?.availableCents == 60_000_000)
            let adjusted = try await programme.service.recordedEvents(type: TrancheAdjusted.type.name)
            #expect(
                try adjusted.map { try $0.decode(TrancheAdjusted.self).amountCents }
                    == after.tranches.map(\.amountCents))
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatIsPaidOrOnItsWayIsNotTakenFromAnybodyByAnAmendment() async throws {
        try await Programme.with { programme in
            // given: the lead's first part is paid, the partner's is ordered
            try await programme.prepare()
            let agreement = try await Self.agreement(programme)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            try await Self.pay(agreement.tranches[0].id, to: Controls.siren, programme)
            let content = Self.lines((Controls.siren, 70_000_000), (Self.partner, 30_000_000))
            #expect(try await Self.draft(agreement.id, content, programme).problemSlug == "tranche-paid-in-part")
            let pending = try await programme.order(
                agreement.tranches[0].id, content: #""siren": "\#(Self.partner)""#
            ).decode(PaymentAnswer.self).id
            // then
            #expect(try await Self.draft(agreement.id, content, programme).problemSlug == "payment-pending")
            // when: drafted while nothing is on its way, and paid before it is signed
            _ = try await programme.approve(pending)
            _ = try await programme.execute(pending, reference: "BDT-9")
            let amendment: AmendmentAnswer = try await Self.draft(
                agreement.id, Self.lines((Controls.siren, 60_000_000), (Self.partner, 40_000_000)), programme
            ).decode()
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            for siren in [Controls.siren, Self.partner] {
                try await Self.pay(agreement.tranches[1].id, to: siren, programme)
            }
            // then: both sides would sign something else than they saw
            #expect(try await Self.sign(amendment.id, programme).problemSlug == "amendment-outdated")
            let below = try await Self.draft(
                agreement.id, Self.lines((Controls.siren, 55_999_999), (Self.partner, 44_000_001)), programme)
            #expect(below.problem?.field == "/lines/0/grantedCents")
            // when
            let discarded = try await programme.service.request(
                .post, "/v1/amendments/\(amendment.id.lowercase)/discard", as: [.operator], json: "{}",
                headers: Programme.ifMatch(1))
            // then
            #expect(discarded.status == .ok)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aMovedEndMovesTheStatementsThatNobodyHasMadeYet() async throws {
        try await Programme.with { programme in
            // given: two years, the first stated
            try await programme.prepare()
            let agreement = try await Self.agreement(programme)
            let before = try await programme.statements(of: agreement.id).filter { $0.siren == Controls.siren }
            #expect(before.map(\.periodUntil) == ["2027-02-28", "2028-02-29"])
            #expect(before.map(\.dueOn) == ["2027-04-29", "2028-04-29"])
            _ = try await Statements.submit(before[0], #"{"items": []}"#, programme)
            // when: it ends six months later
            let moved: AmendmentAnswer = try await Self.draft(
                agreement.id,
                """
                "terms": {"from": "2026-03-01", "until": "2028-08-31", "rateBasisPoints": 5000,
                          "statementMonths": 12, "statementDueDays": 30}
                """, programme
            ).decode()
            #expect(moved.difference.terms?.before?.until == "2028-02-29" && moved.difference.lines.isEmpty)
            #expect(try await Self.sign(moved.id, programme).status == .ok)
            // then: what was stated keeps its period, the others follow
            let after = try await programme.statements(of: agreement.id).filter { $0.siren == Controls.siren }
            #expect(after.map(\.number) == [1, 2, 3])
            #expect(after.map(\.periodUntil) == ["2027-02-28", "2028-02-29", "2028-08-31"])
            #expect(after.map(\.dueOn) == ["2027-04-29", "2028-03-30", "2028-09-30"])
            #expect(after.map(\.state) == ["submitted", "expected", "expected"])
        }
    }

    @Test func aDraftThatNobodySignsIsDiscardedAndItsGrantAgreedOnAnew() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let grant = try await programme.reservedGrant().id
            let drafted: AgreementAnswer = try await programme.draft(grant).decode()
            // when
            let discarded = try await programme.service.request(
                .post, "/v1/agreements/\(drafted.id.lowercase)/discard", as: [.operator],
                json: #"{"reason": "le consortium change"}"#, headers: Programme.ifMatch(1))
            // then
            #expect(discarded.status == .ok)
            #expect(try await programme.sign(drafted.id, version: 2).problemSlug == "agreement-not-signed")
            let again: AgreementAnswer = try await programme.draft(grant).decode()
            #expect(try await programme.sign(again.id).status == .ok)
            try await programme.expectBalancedLedger()
        }
    }
}
