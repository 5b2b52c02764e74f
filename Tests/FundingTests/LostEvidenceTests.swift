import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct LostMilestones {
    /// An experiment under a signed agreement.
    private func experiment(under agreement: AgreementAnswer, of programme: Programme) async throws -> UUID {
        let experiment = UUID()
        try await programme.service.deliver(
            Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
        return experiment
    }

    @Test func aReleasedTrancheIsHeldUntilTheMilestoneIsReachedAgain() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = try await experiment(under: agreement, of: programme)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            // when
            try await programme.service.deliver(Controls.lost(experiment), subject: experiment.lowercase)
            // then
            let held = try await programme.tranche(2, of: agreement.id)
            #expect(held.state == "released" && held.evidenceLost == ["milestone-reached"])
            let refused = try await programme.order(held.id)
            #expect(refused.status == .conflict && refused.problemSlug == "evidence-lost")
            #expect(refused.text.contains("milestone-reached"))
            // when
            try await programme.service.deliver(
                Controls.milestone(experiment, version: 3), subject: experiment.lowercase)
            // then
            #expect(try await programme.tranche(2, of: agreement.id).evidenceLost == [])
            #expect(try await programme.order(held.id).status == .created)
            let released = try await programme.service.recordedEvents(type: TrancheReleased.type.name)
            #expect(released.count == 1)
            try await programme.expectBalancedLedger()
        }
    }

    /// A draft agreement holds milestones back until it is signed; they are applied in their order all the same.
    @Test func milestonesThatWaitForTheSignatureAreAppliedInTheirOrder() async throws {
        try await Programme.with { programme in
            // given: an agreement whose only experiment reached and lost its milestone before the signature
            try await programme.prepare()
            let draft = try await programme.draft(try await programme.reservedGrant().id).decode(AgreementAnswer.self)
            let experiment = try await experiment(under: draft, of: programme)
            let other = try await self.experiment(under: draft, of: programme)
            for (payload, sequence) in [(1, Int64(1)), (2, 2)] {
                if payload == 1 {
                    try await programme.service.deliver(
                        Controls.milestone(experiment), subject: experiment.lowercase, sequence: sequence)
                } else {
                    try await programme.service.deliver(
                        Controls.lost(experiment), subject: experiment.lowercase, sequence: sequence)
                }
            }
            // when
            _ = try await programme.sign(draft.id)
            try await programme.retryParked()
            // then: it was reached first, so it is released, and held
            let tranche = try await programme.tranche(2, of: draft.id)
            #expect(tranche.missing == ["milestone-reached"] && tranche.evidenceLost == ["milestone-reached"])
            // when: another experiment of the agreement reaches its own
            try await programme.service.deliver(Controls.milestone(other), subject: other.lowercase)
            // then
            #expect(try await programme.tranche(2, of: draft.id).evidenceLost == [])
        }
    }

    @Test func aPaymentThatWasOrderedBeforeIsNeitherApprovedNorExecutedWhileItsMilestoneIsLost() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = try await experiment(under: agreement, of: programme)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            let tranche = try await programme.tranche(2, of: agreement.id)
            let payment = try await programme.order(tranche.id).decode(PaymentAnswer.self)
            // when
            try await programme.service.deliver(Controls.lost(experiment), subject: experiment.lowercase)
            // then
            let refused = try await programme.approve(payment.id)
            #expect(refused.status == .conflict && refused.problemSlug == "evidence-lost")
            #expect(refused.problem?.mend?.contains("/why") == true)
            // when: reached, approved, and lost once more
            try await programme.service.deliver(
                Controls.milestone(experiment, version: 3), subject: experiment.lowercase)
            #expect(try await programme.approve(payment.id).status == .ok)
            try await programme.service.deliver(
                Controls.lost(experiment, version: 4), subject: experiment.lowercase)
            // then
            let held = try await programme.execute(payment.id)
            #expect(held.status == .conflict && held.problemSlug == "evidence-lost")
            #expect(try await programme.service.recordedEvents(type: PaymentExecuted.type.name).isEmpty)
            // when
            try await programme.service.deliver(
                Controls.milestone(experiment, version: 5), subject: experiment.lowercase)
            // then
            #expect(try await programme.execute(payment.id).status == .ok)
            try await programme.expectBalancedLedger()
        }
    }

    /// Whoever loses the race of a loss and an approval sees what the other did.
    @Test func aLossThatIsBeingRecordedHoldsTheApprovalUpUntilItIsKnown() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = try await experiment(under: agreement, of: programme)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            let tranche = try await programme.tranche(2, of: agreement.id)
            let payment = try await programme.order(tranche.id).decode(PaymentAnswer.self)
            // when: the loss is written, and not yet committed
            try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                try await programme.service.pool.withTransaction { transaction in
                    try await transaction.query("select id from agreements where id = \(agreement.id) for update")
                    group.addTask { try await programme.approve(payment.id) }
                    try await waitUntil("the approval waits") { try await programme.blockedCount() > 0 }
                    try await transaction.query(
                        """
                        insert into milestone_changes (agreement, experiment, milestone, version, is_reached, event,
                            occurred_at)
                        select agreement, experiment, milestone, 2, false, gen_random_uuid(), now()
                        from milestone_changes where experiment = \(experiment)
                        """)
                }
                // then
                let answer = try #require(try await group.next())
                #expect(answer.problemSlug == "evidence-lost")
            }
        }
    }

    @Test func whatIsPaidStaysPaidAndSaysThatItsEvidenceIsLost() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = try await experiment(under: agreement, of: programme)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            let tranche = try await programme.tranche(2, of: agreement.id)
            let payment = try await programme.order(tranche.id).decode(PaymentAnswer.self)
            _ = try await programme.approve(payment.id)
            #expect(try await programme.execute(payment.id).status == .ok)
            // when
            try await programme.service.deliver(Controls.lost(experiment), subject: experiment.lowercase)
            // then
            let paid = try await programme.tranche(2, of: agreement.id)
            #expect(paid.state == "paid" && paid.evidenceLost == ["milestone-reached"])
            let why = try await programme.service.request(
                .get, "/v1/tranches/\(paid.id.lowercase)/why", as: [.operator])
            #expect(
                why.text.contains(#""evidenceLost":["milestone-reached"]"#) && why.text.contains(#""isHeld":false"#))
            try await programme.expectBalancedLedger()
        }
    }

    /// The version decides, whatever an older report says later: its number in the stream is not taken for granted.
    @Test func anOlderReportDoesNotBringLostEvidenceBack() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = try await experiment(under: agreement, of: programme)
            // when
            try await programme.service.deliver(Controls.lost(experiment), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            // then
            let tranche = try await programme.tranche(2, of: agreement.id)
            #expect(tranche.state == "opened" && tranche.missing == ["milestone-reached"])
        }
    }
}
