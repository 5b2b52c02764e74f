import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Funding

/// Tranches that open on whatever their agreement says, and on so much of it.
@Suite(.timeLimit(.minutes(10))) struct Schedules {
    private struct WhyAnswer: Decodable {
        struct Condition: Decodable {
            let condition: String
            let isMet: Bool
            let count: Int
            let countNeeded: Int
            let proofs: [TrancheAnswer.EvidenceAnswer]
        }

        let isHeld: Bool
        let conditions: [Condition]
    }

    private func agreement(_ conditions: String, _ programme: Programme) async throws -> AgreementAnswer {
        try await programme.prepare()
        let grant = try await programme.reservedGrant()
        let drafted = try await programme.draft(
            grant.id,
            content: """
                "schedule": [{"shareBasisPoints": 1000, "conditions": ["agreement-signed"]},
                             {"shareBasisPoints": 9000, "conditions": [\(conditions)]}]
                """)
        #expect(drafted.status == .created, "\(drafted.text)")
        return try await programme.sign(try drafted.decode(AgreementAnswer.self).id).decode()
    }

    private func why(_ agreement: UUID, _ programme: Programme) async throws -> WhyAnswer {
        let tranche = try await programme.tranche(2, of: agreement)
        return try await programme.service.request(
            .get, "/v1/tranches/\(tranche.id.lowercase)/why", as: [.ministry]
        ).decode()
    }

    private func state(_ agreement: UUID, _ programme: Programme) async throws -> String {
        try await programme.tranche(2, of: agreement).state
    }

    private func start(_ experiment: UUID, under agreement: UUID, _ programme: Programme) async throws {
        let started = ExperimentStarted(
            experiment: experiment, site: UUID(), agreement: agreement, protocolVersion: 1,
            startedAt: EventBuilders.time)
        try await programme.service.deliver(started, subject: experiment.lowercase, sequence: 1)
    }

    @Test func experimentsAreCountedAndOneThatIsTerminatedCountsNoMore() async throws {
        try await Programme.with { programme in
            // given
            let agreement = try await agreement(#""experiment-started:2""#, programme)
            let experiments = [UUID(), UUID(), UUID()]
            // when
            try await start(experiments[0], under: agreement.id, programme)
            // then
            let waiting = try await why(agreement.id, programme)
            #expect(waiting.conditions.map(\.condition) == ["experiment-started:2"])
            #expect(waiting.conditions.map(\.count) == [1] && waiting.conditions.map(\.countNeeded) == [2])
            #expect(waiting.conditions.first?.isMet == false)
            // when
            try await start(experiments[1], under: agreement.id, programme)
            // then
            #expect(try await state(agreement.id, programme) == "released")
            #expect(try await why(agreement.id, programme).conditions.first?.proofs.count == 2)
            let told = try await programme.service.recordedEvents(type: TrancheReleased.type.name)
            #expect(
                try told.last?.decode(TrancheReleased.self).evidence.map(\.condition) == [
                    .experimentStarted, .experimentStarted,
                ])
            // when: one is terminated after the tranche was paid
            let tranche = try await programme.tranche(2, of: agreement.id)
            try await Amendments.pay(tranche.id, to: Controls.siren, programme)
            let terminated = ExperimentTerminated(
                experiment: experiments[0], site: UUID(), agreement: agreement.id, participantsCount: 3,
                terminatedAt: EventBuilders.time)
            let id = UUID()
            try await programme.service.deliver(terminated, subject: experiments[0].lowercase, sequence: 2, id: id)
            // then: the event that took it is named, and all of it is proposed for recovery
            let proposed = try await programme.service.recordedEvents(type: RecoveryProposed.type.name)
            #expect(try proposed.map { try $0.decode(RecoveryProposed.self).cause } == [id])
            #expect(try await programme.tranche(2, of: agreement.id).evidenceLost == ["experiment-started:2"])
            // when: another takes its place
            try await start(experiments[2], under: agreement.id, programme)
            // then
            #expect(try await programme.tranche(2, of: agreement.id).evidenceLost == [])
            let withdrawn = try await programme.service.recordedEvents(type: RecoveryWithdrawn.type.name)
            #expect(withdrawn.count == 1)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatIsPaidInPartIsProposedForRecoveryWhenItsEvidenceFalls() async throws {
        try await Programme.with { programme in
            // given: of two beneficiaries one is paid
            try await programme.prepare()
            let agreement = try await Amendments.agreement(programme)
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            try await Amendments.pay(agreement.tranches[1].id, to: Amendments.partner, programme)
            // when
            try await programme.service.deliver(Controls.lost(experiment), subject: experiment.lowercase)
            // then
            let proposed = try await programme.service.recordedEvents(type: RecoveryProposed.type.name)
            #expect(try proposed.map { try $0.decode(RecoveryProposed.self).amountCents } == [15_000_000])
            // when: the agreement ends
            let terminated = try await programme.service.request(
                .post, "/v1/agreements/\(agreement.id.lowercase)/terminate", as: [.operator],
                json: #"{"reason": "abandon"}"#, headers: Programme.ifMatch(2))
            // then: what was not paid goes back
            #expect(terminated.status == .ok, "\(terminated.text)")
            let after = try await programme.agreement(agreement.id).tranches.map { "\($0.state) \($0.amountCents)" }
            #expect(after == ["cancelled 30000000", "paid 15000000", "cancelled 20000000"])
            try await programme.expectBalancedLedger()
        }
    }

    @Test(
        arguments: [
            (
                #""terms": {"from": "9990-01-01", "until": "9999-12-31", "rateBasisPoints": 1, "statementMonths": 1, "#
                    + #""statementDueDays": 1}"#, "/terms/from"
            ),
            (
                #""terms": {"from": "2026-01-01", "until": "2025-12-31", "rateBasisPoints": 1, "statementMonths": 1, "#
                    + #""statementDueDays": 1}"#, "/terms/until"
            ),
            (#""lines": [{"siren": "\u0000", "grantedCents": 1}]"#, "/lines/0/siren"),
            (#""lines": []"#, "/lines"),
        ])
    func aPlanThatIsNoneIsRefusedByItsField(content: String, field: String) async throws {
        try await Programme.with { programme in
            try await programme.prepare()
            let refused = try await programme.draft(try await programme.reservedGrant().id, content: content)
            #expect(refused.status == .unprocessableContent && refused.problem?.field == field, "\(refused.text)")
        }
    }

    @Test func whatNoColumnCanHoldIsRefusedByItsField() async throws {
        try await Programme.with { programme in
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let order = try await programme.order(agreement.tranches[0].id, content: #""siren": "\u0000""#)
            #expect(order.problem?.field == "/siren", "\(order.text)")
            let line = #"{"siren": "200034528", "grantedCents": 1, "structureType": "\u0000"}"#
            let amendment = try await Amendments.draft(agreement.id, #""lines": [\#(line)]"#, programme)
            #expect(amendment.problem?.field == "/lines/0/structureType", "\(amendment.text)")
        }
    }

    @Test func responsesAreCountedByWhatTheMilestonesOfEachExperimentProve() async throws {
        try await Programme.with { programme in
            // given
            let agreement = try await agreement(#""responses-collected:250""#, programme)
            let experiments = [UUID(), UUID()]
            for experiment in experiments {
                try await programme.service.deliver(
                    Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            }
            func reach(_ count: Int, _ experiment: UUID, sequence: Int64) async throws {
                var milestone = Controls.milestone(experiment, "first-\(count)")
                (milestone.responsesCountMin, milestone.responsesCount) = (count, count)
                try await programme.service.deliver(milestone, subject: experiment.lowercase, sequence: sequence)
            }
            // when: 100 and 150 responses of one are 150, not 250
            try await reach(100, experiments[0], sequence: 1)
            try await reach(150, experiments[0], sequence: 2)
            // then
            #expect(try await why(agreement.id, programme).conditions.map(\.count) == [150])
            #expect(try await state(agreement.id, programme) == "opened")
            // when
            try await reach(100, experiments[1], sequence: 1)
            // then
            #expect(try await state(agreement.id, programme) == "released")
            // when: so many are retracted that only the lower milestone stands
            var lost = Controls.lost(experiments[0], "first-150")
            lost.responsesCountMin = 150
            try await programme.service.deliver(lost, subject: experiments[0].lowercase, sequence: 3)
            // then
            let held = try await why(agreement.id, programme)
            #expect(held.isHeld && held.conditions.map(\.count) == [200])
            let tranche = try await programme.tranche(2, of: agreement.id)
            #expect(try await programme.order(tranche.id).problemSlug == "evidence-lost")
        }
    }

    @Test func reportsAndEvaluationsReleaseAndAReopenedReportHolds() async throws {
        try await Programme.with { programme in
            // given
            let agreement = try await agreement(#""site-report-accepted", "evaluation-published""#, programme)
            let (report, evaluation, site) = (UUID(), UUID(), UUID())
            // when
            try await programme.service.deliver(
                EvaluationPublished(
                    evaluation: evaluation, experiment: UUID(), agreement: agreement.id,
                    publishedAt: EventBuilders.time), subject: evaluation.lowercase)
            #expect(try await state(agreement.id, programme) == "opened")
            let accepted = SiteReportAccepted(
                report: report, site: site, agreement: agreement.id, number: 1, acceptedAt: EventBuilders.time)
            try await programme.service.deliver(accepted, subject: report.lowercase, sequence: 1)
            // then
            #expect(try await state(agreement.id, programme) == "released")
            // when
            let reopened = SiteReportReopened(
                report: report, site: site, agreement: agreement.id, number: 1, wasAccepted: true,
                reopenedAt: EventBuilders.time)
            try await programme.service.deliver(reopened, subject: report.lowercase, sequence: 2)
            // then
            #expect(try await why(agreement.id, programme).isHeld)
            // when
            try await programme.service.deliver(accepted, subject: report.lowercase, sequence: 3)
            // then
            #expect(try await why(agreement.id, programme).isHeld == false)
            try await programme.expectBalancedLedger()
        }
    }

    @Test(
        arguments: [
            (#"{"shareBasisPoints": 10000, "conditions": ["site-closed"]}"#, "/schedule/0/conditions/0"),
            (#"{"shareBasisPoints": 10000, "conditions": ["site-opened:0"]}"#, "/schedule/0/conditions/0"),
            (#"{"shareBasisPoints": 10000, "conditions": ["site-opened:1"]}"#, "/schedule/0/conditions/0"),
            (#"{"shareBasisPoints": 10000, "conditions": ["site-opened", "site-opened:2"]}"#, "/schedule/0/conditions"),
            (#"{"shareBasisPoints": 10000, "conditions": []}"#, "/schedule/0/conditions"),
            (#"{"shareBasisPoints": 9999, "conditions": ["site-opened"]}"#, "/schedule"),
            (#"{"shareBasisPoints": 10001, "conditions": ["site-opened"]}"#, "/schedule/0/shareBasisPoints"),
        ])
    func aScheduleThatIsNoneIsRefusedByItsField(share: String, field: String) async throws {
        try await Programme.with { programme in
            try await programme.prepare()
            let refused = try await programme.draft(
                try await programme.reservedGrant().id, content: #""schedule": [\#(share)]"#)
            #expect(refused.status == .unprocessableContent && refused.problem?.field == field, "\(refused.text)")
        }
    }
}
