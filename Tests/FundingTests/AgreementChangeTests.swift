import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

/// Agreements that stop, go on, and end before their time.
@Suite(.timeLimit(.minutes(10))) struct AgreementChangesTests {
    private func change(
        _ agreement: UUID, _ verb: String, version: Int64, reason: String = "contrôle en cours", _ programme: Programme
    ) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/agreements/\(agreement.lowercase)/\(verb)", as: [.operator],
            json: #"{"reason": "\#(reason)"}"#, headers: Programme.ifMatch(version))
    }

    @Test func whileItIsSuspendedEvidenceIsKeptAndNothingIsReleasedOrPaid() async throws {
        try await Programme.with { programme in
            // given: a released tranche with an approved payment
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let payment = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self).id
            _ = try await programme.approve(payment)
            // when
            let suspended = try await change(agreement.id, "suspend", version: 2, programme)
            // then
            #expect(suspended.status == .ok && suspended.text.contains(#""state":"suspended""#))
            #expect(try await programme.execute(payment).problemSlug == "agreement-halted")
            // when: evidence of the second tranche arrives
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            // then
            #expect(try await programme.tranche(2, of: agreement.id).state == "opened")
            #expect(try await programme.order(agreement.tranches[0].id).problemSlug == "agreement-halted")
            // when
            let twice = try await change(agreement.id, "suspend", version: 3, programme)
            #expect(twice.problemSlug == "agreement-not-signed")
            #expect(try await change(agreement.id, "resume", version: 3, programme).status == .ok)
            // then: what arrived meanwhile counts
            #expect(try await programme.tranche(2, of: agreement.id).state == "released")
            #expect(try await programme.execute(payment).status == .ok)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func terminationGivesBackWhatIsNotPaidAndIsRefusedWhileAPaymentIsOnItsWay() async throws {
        try await Programme.with { programme in
            // given: the first tranche is paid, the second released and ordered
            try await programme.prepare(animationCents: 150_000_000)
            let agreement = try await programme.signedAgreement(cents: 100_000_000)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let paid = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self).id
            _ = try await programme.approve(paid)
            _ = try await programme.execute(paid)
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            let pending = try await programme.order(agreement.tranches[1].id).decode(PaymentAnswer.self).id
            // when
            let early = try await change(agreement.id, "terminate", version: 2, programme)
            _ = try await programme.service.request(
                .post, "/v1/payments/\(pending.lowercase)/cancel", as: [.operator],
                json: #"{"reason": "résiliation"}"#, headers: Programme.ifMatch(1))
            let terminated = try await change(agreement.id, "terminate", version: 2, programme)
            // then
            #expect(early.problemSlug == "payment-pending" && terminated.status == .ok)
            let ended = try await programme.agreement(agreement.id)
            #expect(ended.state == "terminated" && ended.tranches.map(\.state) == ["paid", "cancelled", "cancelled"])
            #expect(
                try await programme.envelopes()["animation"]?.money
                    == [150_000_000, 30_000_000, 30_000_000, 30_000_000, 30_000_000])
            let told = try await programme.service.recordedEvents(type: AgreementTerminated.type.name)
            #expect(try told.first?.decode(AgreementTerminated.self).amountCents == 70_000_000)
            try await programme.expectBalancedLedger()
            // when: more happens under it
            let late = UUID()
            try await programme.service.deliver(Controls.request(late, under: agreement), subject: late.lowercase)
            // then
            let refused = try await programme.service.recordedEvents(type: CofundingRefused.type.name)
            #expect(try refused.first?.decode(CofundingRefused.self).reason == "agreement-terminated")
            let resumed = try await change(agreement.id, "resume", version: 3, programme)
            #expect(resumed.problemSlug == "agreement-not-suspended")
            #expect(try await programme.draft(agreement.grant).problemSlug == "agreement-exists")
        }
    }

    @Test func theHistoryOfAnAgreementIsOneCall() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let payment = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self).id
            _ = try await programme.approve(payment)
            _ = try await programme.execute(payment)
            _ = try await change(agreement.id, "suspend", version: 2, programme)
            // when
            struct Step: Decodable {
                let position: Int64
                let type: String
                let actor: String
                let fr: String
                let en: String
            }
            var (steps, next): ([Step], String?) = ([], "")
            while let after = next {
                let path = "/v1/agreements/\(agreement.id.lowercase)/history?limit=4"
                let page = try await programme.service.request(
                    .get, after.isEmpty ? path : "\(path)&after=\(after)", as: [.ministry]
                ).decode(PageAnswer<Step>.self)
                steps += page.items
                next = page.next
            }
            // then: from the grant to the suspension, in order, each with who and in words
            #expect(
                steps.map { $0.type.dropFirst("funding.".count).dropLast(".v1".count) } == [
                    "grant.reserved", "agreement.signed", "tranche.opened", "tranche.opened", "tranche.opened",
                    "tranche.released", "payment.ordered", "payment.executed", "agreement.suspended",
                ])
            #expect(steps.map(\.position) == steps.map(\.position).sorted())
            #expect(steps.allSatisfy { !$0.fr.hasPrefix("funding.") && !$0.en.hasPrefix("funding.") })
            #expect(steps.last?.actor == "test-user" && steps[6].actor == "orderer")
            let other = try await programme.service.request(
                .get, "/v1/agreements/\(agreement.id.lowercase)/history", as: [.applicant], organisation: "180020026")
            #expect(other.status == .notFound)
        }
    }
}
