import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Funding

/// Payments that two have to approve, and payments that recoveries are set off against.
@Suite(.timeLimit(.minutes(10))) struct PaymentTerms {
    /// A signed agreement of a million euros whose first two tranches are released, and the first paid.
    private func agreement(_ programme: Programme) async throws -> (agreement: AgreementAnswer, paid: UUID) {
        try await programme.prepare()
        let agreement = try await programme.signedAgreement()
        try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
        let experiment = UUID()
        try await programme.service.deliver(
            Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
        try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
        let payment = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self).id
        _ = try await programme.approve(payment)
        #expect(try await programme.execute(payment).status == .ok)
        return (agreement, payment)
    }

    @Test func fromTheThresholdOnTwoHaveToApproveAndNeitherIsWhoOrdered() async throws {
        try await Programme.with(settings: ["funding.second-approval-from-euros": "500000"]) { programme in
            // given: 300,000 euros went with one approval
            let (agreement, _) = try await agreement(programme)
            // when: 500,000 are ordered
            let ordered: PaymentAnswer = try await programme.order(agreement.tranches[1].id).decode()
            let first: PaymentAnswer = try await programme.approve(ordered.id, by: "first").decode()
            // then
            #expect(first.state == "ordered" && first.needsSecondApproval && first.firstApprovedBy == "first")
            #expect(try await programme.execute(ordered.id, reference: "B-2").problemSlug == "payment-not-approved")
            for person in ["orderer", "first"] {
                let refused = try await programme.approve(ordered.id, by: person, version: 2)
                #expect(refused.status == .forbidden && refused.problemSlug == "separation-of-duties")
            }
            // when
            let second: PaymentAnswer = try await programme.approve(ordered.id, by: "second", version: 2).decode()
            // then
            #expect(second.state == "approved" && second.approvedBy == "second" && second.firstApprovedBy == "first")
            #expect(try await programme.execute(ordered.id, reference: "B-2", version: 3).status == .ok)
            // The database holds it, whatever a program does.
            await #expect(throws: (any Error).self) {
                try await programme.service.pool.query(
                    "update payments set first_approved_by = approved_by where id = \(ordered.id)")
            }
        }
    }

    private func orderedRecovery(of payment: UUID, _ cents: Int64, _ programme: Programme) async throws -> UUID {
        let proposed = try await programme.service.request(
            .post, "/v1/payments/\(payment.lowercase)/recoveries", as: [.operator], subject: "proposer",
            json: #"{"amountCents": \#(cents), "reason": "dépense non éligible"}"#
        ).decode(Recoveries.RecoveryAnswer.self)
        let ordered = try await programme.service.request(
            .post, "/v1/recoveries/\(proposed.id.lowercase)/order", as: [.payingOfficer], subject: "decider",
            json: "{}", headers: Programme.ifMatch(1))
        #expect(ordered.status == .ok)
        return proposed.id
    }

    private func offsets(_ recovery: UUID, _ cents: Int64) -> String {
        #""offsets": [{"recovery": "\#(recovery.lowercase)", "amountCents": \#(cents)}]"#
    }

    @Test func aRecoveryIsSetOffAgainstTheNextPaymentOfItsBeneficiary() async throws {
        try await Programme.with { programme in
            // given: 100,000 euros are to come back
            let (agreement, paid) = try await agreement(programme)
            let recovery = try await orderedRecovery(of: paid, 10_000_000, programme)
            let tranche = agreement.tranches[1].id
            for cents in [0, 10_000_001] as [Int64] {
                let refused = try await programme.order(tranche, content: offsets(recovery, cents))
                #expect(refused.problem?.field == "/offsets/0/amountCents", "\(refused.text)")
            }
            let before = try #require(try await programme.envelopes()["animation"])
            // when
            let ordered: PaymentAnswer = try await programme.order(tranche, content: offsets(recovery, 8_000_000))
                .decode()
            // then: the bank pays the rest; what is set off is not received or given up meanwhile
            #expect(ordered.amountCents == 50_000_000 && ordered.netCents == 42_000_000)
            let tooMuch = try await programme.service.request(
                .post, "/v1/recoveries/\(recovery.lowercase)/receipts", as: [.payingOfficer],
                json: #"{"amountCents": 2000001, "bankReference": "R-1"}"#, headers: Programme.ifMatch(2))
            #expect(tooMuch.problemSlug == "above-recoverable")
            let waived = try await programme.service.request(
                .post, "/v1/recoveries/\(recovery.lowercase)/waive", as: [.payingOfficer], subject: "third", json: "{}",
                headers: Programme.ifMatch(2))
            #expect(waived.problemSlug == "payment-pending")
            // when
            _ = try await programme.approve(ordered.id)
            #expect(try await programme.execute(ordered.id, reference: "B-2").status == .ok)
            // then: the whole is paid, and what was set off is the envelope's again
            let after = try #require(try await programme.envelopes()["animation"])
            #expect(after.availableCents == before.availableCents + 8_000_000)
            #expect(after.paidCents == before.paidCents + 42_000_000)
            let standing = try await programme.service.request(
                .get, "/v1/recoveries/\(recovery.lowercase)", as: [.operator])
            #expect(standing.text.contains(#""openCents":2000000"#) && standing.text.contains(#""setOffCents":0"#))
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatIsSetOffWholeNeedsNoBankAndACancelledPaymentSetsNothingOff() async throws {
        try await Programme.with { programme in
            // given: 300,000 euros are to come back, and two tranches are open
            let (agreement, paid) = try await agreement(programme)
            let recovery = try await orderedRecovery(of: paid, 30_000_000, programme)
            let tranche = agreement.tranches[1].id
            let first: PaymentAnswer = try await programme.order(tranche, content: offsets(recovery, 30_000_000))
                .decode()
            _ = try await programme.service.request(
                .post, "/v1/payments/\(first.id.lowercase)/cancel", as: [.operator], json: #"{"reason": "erreur"}"#,
                headers: Programme.ifMatch(1))
            // when: it is free again
            let again: PaymentAnswer = try await programme.order(tranche, content: offsets(recovery, 30_000_000))
                .decode()
            // then
            #expect(again.netCents == 20_000_000)
            _ = try await programme.approve(again.id)
            #expect(try await programme.execute(again.id, reference: "B-3").status == .ok)
            // when: all of the last tranche is set off
            try await programme.service.deliver(
                Controls.completed(UUID(), under: agreement.id), subject: UUID().lowercase)
            let whole = try await orderedRecovery(of: again.id, 20_000_000, programme)
            let last: PaymentAnswer = try await programme.order(
                agreement.tranches[2].id, content: offsets(whole, 20_000_000)
            ).decode()
            #expect(last.netCents == 0)
            let approved: PaymentAnswer = try await programme.approve(last.id).decode()
            // then: there is nothing for the bank to do
            #expect(approved.state == "executed")
            #expect(try await programme.tranche(3, of: agreement.id).state == "paid")
            #expect(try await programme.envelopes()["animation"]?.paidCents == 50_000_000)
            try await programme.expectBalancedLedger()
        }
    }
}
