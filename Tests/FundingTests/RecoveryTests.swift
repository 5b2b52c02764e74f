import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

/// Money stops when its evidence falls, and comes back.
@Suite(.timeLimit(.minutes(10))) struct Recoveries {
    struct RecoveryAnswer: Decodable, Equatable {
        let id: UUID
        let version: Int64
        let state: String
        let payment: UUID
        let amountCents: Int64
        let receivedCents: Int64
        let waivedCents: Int64
        let openCents: Int64
        let cause: UUID?
        let proposedBy: String
    }

    struct Paid {
        let agreement: AgreementAnswer
        let experiment: UUID
        let payment: UUID
        let cents: Int64
    }

    /// A tranche that was paid on a milestone.
    private func paid(_ programme: Programme, cents: Int64 = 100_000_000) async throws -> Paid {
        try await programme.prepare()
        let agreement = try await programme.signedAgreement(cents: cents)
        let experiment = UUID()
        try await programme.service.deliver(
            Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
        try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
        let tranche = try await programme.tranche(2, of: agreement.id)
        let payment = try await programme.order(tranche.id).decode(PaymentAnswer.self).id
        _ = try await programme.approve(payment)
        #expect(try await programme.execute(payment).status == .ok)
        return Paid(agreement: agreement, experiment: experiment, payment: payment, cents: tranche.amountCents)
    }

    private func recoveries(of agreement: UUID, _ programme: Programme) async throws -> [RecoveryAnswer] {
        let path = "/v1/agreements/\(agreement.lowercase)/recoveries"
        return try await programme.service.request(.get, path, as: [.operator])
            .decode(PageAnswer<RecoveryAnswer>.self).items
    }

    private func post(
        _ path: String, _ json: String = "{}", by subject: String = "officer", version: Int64? = nil,
        _ programme: Programme
    ) async throws -> TestAnswer {
        try await programme.service.request(
            .post, path, as: [.payingOfficer, .operator], subject: subject, json: json,
            headers: Programme.ifMatch(version))
    }

    private func receive(
        _ recovery: UUID, _ cents: Int64, reference: String, version: Int64, _ programme: Programme
    ) async throws -> TestAnswer {
        try await post(
            "/v1/recoveries/\(recovery.lowercase)/receipts",
            #"{"amountCents": \#(cents), "bankReference": "\#(reference)"}"#, version: version, programme)
    }

    @Test func lostEvidenceOfAPaidTrancheProposesItsRecoveryWithTheEventThatTookIt() async throws {
        try await Programme.with { programme in
            // given
            let paid = try await paid(programme)
            // when
            let cause = try await programme.service.deliver(
                Controls.lost(paid.experiment), subject: paid.experiment.lowercase)
            // then
            let proposed = try #require(try await recoveries(of: paid.agreement.id, programme).first)
            #expect(proposed.state == "proposed" && proposed.amountCents == paid.cents && proposed.cause == cause)
            #expect(proposed.payment == paid.payment && proposed.proposedBy == "funding")
            let held = try await programme.service.recordedEvents(type: TrancheHeld.type.name)
            let payload = try #require(try held.first?.decode(TrancheHeld.self))
            #expect(held.count == 1 && payload.lost == [.milestoneReached] && payload.cause == cause)
            let why = try await programme.service.request(
                .get, "/v1/tranches/\(payload.tranche.lowercase)/why", as: [.ministry])
            #expect(why.text.contains(cause.lowercase))
            // when: it is told again, and then stands again
            try await programme.service.deliver(
                Controls.lost(paid.experiment), subject: paid.experiment.lowercase, sequence: 9)
            #expect(try await recoveries(of: paid.agreement.id, programme).count == 1)
            try await programme.service.deliver(
                Controls.milestone(paid.experiment, version: 3), subject: paid.experiment.lowercase, sequence: 3)
            // then
            #expect(try await recoveries(of: paid.agreement.id, programme).map(\.state) == ["withdrawn"])
            #expect(try await programme.service.recordedEvents(type: TrancheResumed.type.name).count == 1)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatIsOrderedComesBackInInstalmentsAndEachCountsOnce() async throws {
        try await Programme.with { programme in
            // given
            let paid = try await paid(programme)
            try await programme.service.deliver(Controls.lost(paid.experiment), subject: paid.experiment.lowercase)
            let recovery = try #require(try await recoveries(of: paid.agreement.id, programme).first)
            let path = "/v1/recoveries/\(recovery.id.lowercase)"
            let before = try #require(try await programme.envelopes()["animation"])
            // when
            let early = try await receive(recovery.id, 1, reference: "R-0", version: 1, programme)
            let ordered = try await post("\(path)/order", version: 1, programme)
            // then
            #expect(early.problemSlug == "recovery-not-ordered")
            #expect(ordered.status == .ok && ordered.version == 2)
            // when: two instalments, the first told three times, and one too many
            let first = try await receive(recovery.id, 20_000_000, reference: "R-1", version: 2, programme)
            for version in [2, 3] as [Int64] {
                let again = try await receive(recovery.id, 20_000_000, reference: "R-1", version: version, programme)
                #expect(again.status == .ok && again.version == 3)
            }
            let other = try await receive(recovery.id, 1, reference: "R-1", version: 3, programme)
            let more = try await receive(recovery.id, 30_000_001, reference: "R-2", version: 3, programme)
            let last = try await receive(recovery.id, 30_000_000, reference: "R-3", version: 3, programme)
            // then
            #expect(try first.decode(RecoveryAnswer.self).openCents == 30_000_000)
            #expect(other.problemSlug == "bank-reference-used" && more.problemSlug == "above-recoverable")
            #expect(try last.decode(RecoveryAnswer.self).state == "settled")
            let after = try #require(try await programme.envelopes()["animation"])
            #expect(after.availableCents == before.availableCents + paid.cents)
            #expect(after.paidCents == before.paidCents - paid.cents)
            #expect(try await programme.service.recordedEvents(type: RecoverySettled.type.name).count == 1)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whoProposesMayNotOrderAndNothingIsClaimedBeyondWhatWasPaid() async throws {
        try await Programme.with { programme in
            // given
            let paid = try await paid(programme)
            let path = "/v1/payments/\(paid.payment.lowercase)/recoveries"
            func propose(_ cents: Int64) async throws -> TestAnswer {
                try await post(
                    path, #"{"amountCents": \#(cents), "reason": "dépense inéligible"}"#, by: "controller", programme)
            }
            // when
            let proposed = try await propose(30_000_000)
            let tooMuch = try await propose(20_000_001)
            // then
            #expect(proposed.status == .created && tooMuch.problemSlug == "above-recoverable")
            let recovery: RecoveryAnswer = try proposed.decode()
            let order = "/v1/recoveries/\(recovery.id.lowercase)/order"
            #expect(try await post(order, by: "controller", version: 1, programme).status == .forbidden)
            #expect(try await post(order, version: 1, programme).status == .ok)
            #expect(try await post(order, version: 2, programme).problemSlug == "recovery-not-proposed")
            // when: what has not come in is given up
            let waive = "/v1/recoveries/\(recovery.id.lowercase)/waive"
            #expect(try await post(waive, version: 2, programme).status == .forbidden)
            let waived = try await post(waive, by: "third", version: 2, programme)
            // then: it stays with the beneficiary
            #expect(try waived.decode(RecoveryAnswer.self).waivedCents == 30_000_000)
            #expect(try await programme.envelopes()["animation"]?.paidCents == paid.cents)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aPaymentWhoseEvidenceStaysLostIsCancelledAndOrderedAnewWhenItStands() async throws {
        try await Programme.with { programme in
            // given: approved, and then the evidence falls
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            let tranche = try await programme.tranche(2, of: agreement.id)
            let payment = try await programme.order(tranche.id).decode(PaymentAnswer.self).id
            _ = try await programme.approve(payment)
            try await programme.service.deliver(Controls.lost(experiment), subject: experiment.lowercase)
            #expect(try await programme.execute(payment).problemSlug == "evidence-lost")
            // when
            let path = "/v1/payments/\(payment.lowercase)/cancel"
            let blank = try await post(path, #"{"reason": " "}"#, version: 2, programme)
            let cancelled = try await post(path, #"{"reason": "réponses retirées"}"#, version: 2, programme)
            // then
            #expect(blank.problem?.field == "/reason")
            #expect(cancelled.status == .ok && cancelled.text.contains("réponses retirées"))
            #expect(try await programme.execute(payment, version: 3).problemSlug == "payment-not-approved")
            // when
            try await programme.service.deliver(
                Controls.milestone(experiment, version: 3), subject: experiment.lowercase)
            // then
            #expect(try await programme.order(tranche.id).status == .created)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatTheBankRejectsMovesNoMoneyAndIsOrderedAgain() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let payment = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self).id
            let path = "/v1/payments/\(payment.lowercase)/reject"
            let early = try await post(path, #"{"reason": "AC01"}"#, version: 1, programme)
            _ = try await programme.approve(payment)
            // when
            let rejected = try await post(path, #"{"reason": "AC01 IncorrectAccountNumber"}"#, version: 2, programme)
            let again = try await post(path, #"{"reason": "AC01 IncorrectAccountNumber"}"#, version: 2, programme)
            // then
            #expect(early.problemSlug == "payment-not-approved")
            #expect(rejected.status == .ok && again.status == .ok && again.version == 3)
            #expect(try await programme.envelopes()["animation"]?.paidCents == 0)
            #expect(try await programme.service.recordedEvents(type: PaymentRejected.type.name).count == 1)
            #expect(try await programme.order(agreement.tranches[0].id).status == .created)
        }
    }
}
