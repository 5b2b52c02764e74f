import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Funding

/// The co-funding of an experiment: agreed on, paid on that experiment's evidence, or given back.
@Suite(.timeLimit(.minutes(10))) struct ExperimentAgreements {
    /// A place whose experiment was granted 200,000 euros.
    private func granted(
        _ programme: Programme
    ) async throws -> (place: AgreementAnswer, experiment: UUID, grant: GrantAnswer) {
        try await programme.prepare()
        let place = try await programme.signedAgreement()
        let experiment = UUID()
        try await programme.service.deliver(
            Controls.registered(experiment, under: place.id), subject: experiment.lowercase)
        try await programme.service.deliver(Controls.request(experiment, under: place), subject: experiment.lowercase)
        let grants = try await programme.grants(of: place.application)
        return (place, experiment, try #require(grants.first { $0.experiment == experiment }))
    }

    private func start(_ experiment: UUID, under place: UUID, sequence: Int64 = 2, _ programme: Programme) async throws
    {
        let started = ExperimentStarted(
            experiment: experiment, site: UUID(), agreement: place, protocolVersion: 1, startedAt: EventBuilders.time)
        try await programme.service.deliver(started, subject: experiment.lowercase, sequence: sequence)
    }

    private func terminate(
        _ experiment: UUID, under place: UUID, sequence: Int64 = 2, _ programme: Programme
    ) async throws {
        let terminated = ExperimentTerminated(
            experiment: experiment, site: UUID(), agreement: place, participantsCount: 3,
            terminatedAt: EventBuilders.time)
        try await programme.service.deliver(terminated, subject: experiment.lowercase, sequence: sequence)
    }

    @Test func itIsPaidOnTheEvidenceOfItsOwnExperimentBeforeOrAfterTheSignature() async throws {
        try await Programme.with { programme in
            // given: the experiment started before anybody signed; another one runs at the same place
            let (place, experiment, grant) = try await granted(programme)
            try await start(experiment, under: place.id, programme)
            let other = UUID()
            try await programme.service.deliver(Controls.registered(other, under: place.id), subject: other.lowercase)
            // when
            let drafted: AgreementAnswer = try await programme.draft(grant.id).decode()
            #expect(try await programme.sign(drafted.id).status == .ok)
            // then
            let signed = try await programme.agreement(drafted.id)
            #expect(signed.tranches.map(\.amountCents) == [6_000_000, 10_000_000, 4_000_000])
            #expect(signed.tranches.map(\.state) == ["released", "opened", "opened"])
            let told = try await programme.service.recordedEvents(type: ExperimentAgreementSigned.type.name)
            #expect(try told.map { try $0.decode(ExperimentAgreementSigned.self).experiment } == [experiment])
            // when: the other experiment reaches a milestone and ends
            try await programme.service.deliver(Controls.milestone(other), subject: other.lowercase)
            try await programme.service.deliver(
                Controls.completed(other, under: place.id), subject: other.lowercase, sequence: 2)
            // then: that is the place's evidence, not this one's
            #expect(
                try await programme.agreement(place.id).tranches.map(\.state) == ["opened", "released", "released"])
            #expect(
                try await programme.agreement(drafted.id).tranches.map(\.state) == ["released", "opened", "opened"])
            // when
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            try await Amendments.pay(signed.tranches[0].id, to: Controls.siren, programme)
            try await Amendments.pay(signed.tranches[1].id, to: Controls.siren, programme)
            // then
            #expect(try await programme.envelopes()["experiments"]?.paidCents == 16_000_000)
            // when: it is terminated
            try await terminate(experiment, under: place.id, sequence: 3, programme)
            // then: the advance is proposed for recovery, under the agreement that rested on the start
            let proposed = try await programme.service.recordedEvents(type: RecoveryProposed.type.name)
            #expect(try proposed.map { try $0.decode(RecoveryProposed.self).agreement } == [drafted.id])
            #expect(try await programme.tranche(1, of: drafted.id).evidenceLost == ["experiment-started"])
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatNobodyAgreedOnIsGivenBackWhenItsExperimentIsTerminated() async throws {
        try await Programme.with { programme in
            // given
            let (place, experiment, grant) = try await granted(programme)
            let before = try #require(try await programme.envelopes()["experiments"]?.availableCents)
            // when: told twice
            for _ in 0..<2 { try await terminate(experiment, under: place.id, programme) }
            // then
            let after = try #require(try await programme.envelopes()["experiments"]?.availableCents)
            #expect(after == before + grant.reservedCents)
            #expect(try await programme.draft(grant.id).problemSlug == "grant-not-reserved")
            let told = try await programme.service.recordedEvents(type: GrantReleased.type.name)
            #expect(try told.map { try $0.decode(GrantReleased.self).amountCents } == [grant.reservedCents])
            try await programme.expectBalancedLedger()
        }
    }

    @Test func theEndOfAPlaceGivesBackWhatItsExperimentsHaveNotAgreedOn() async throws {
        try await Programme.with { programme in
            // given: two experiments, one of them with an agreement
            let (place, _, grant) = try await granted(programme)
            let second = UUID()
            try await programme.service.deliver(Controls.request(second, under: place), subject: second.lowercase)
            let drafted: AgreementAnswer = try await programme.draft(grant.id).decode()
            let before = try #require(try await programme.envelopes()["experiments"]?.availableCents)
            // when
            let terminated = try await programme.service.request(
                .post, "/v1/agreements/\(place.id.lowercase)/terminate", as: [.operator],
                json: #"{"reason": "abandon"}"#, headers: Programme.ifMatch(2))
            // then
            #expect(terminated.status == .ok)
            let after = try #require(try await programme.envelopes()["experiments"]?.availableCents)
            #expect(after == before + 20_000_000)
            #expect(try await programme.sign(drafted.id).status == .ok)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func anOperatorGivesBackAGrantThatNobodyWantsAndNotOneThatIsAgreedOn() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 150_000_000)
            let grant = try await programme.reservedGrant()
            func release(version: Int64) async throws -> TestAnswer {
                try await programme.service.request(
                    .post, "/v1/grants/\(grant.id.lowercase)/release", as: [.operator],
                    json: #"{"reason": "le lauréat renonce"}"#, headers: Programme.ifMatch(version))
            }
            let drafted: AgreementAnswer = try await programme.draft(grant.id).decode()
            #expect(try await release(version: 1).problemSlug == "agreement-exists")
            // when: the draft is discarded
            _ = try await programme.service.request(
                .post, "/v1/agreements/\(drafted.id.lowercase)/discard", as: [.operator],
                json: #"{"reason": "renoncement"}"#, headers: Programme.ifMatch(1))
            #expect(try await release(version: 1).status == .ok)
            // then
            #expect(try await programme.envelopes()["animation"]?.availableCents == 150_000_000)
            #expect(try await release(version: 2).problemSlug == "grant-not-reserved")
            try await programme.expectBalancedLedger()
        }
    }
}
