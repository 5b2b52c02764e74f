import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct EvidenceOrder {
    /// Delivers the facts in the order given and tries what had to wait.
    private func deliver(
        _ order: [Int], of agreement: AgreementAnswer, to programme: Programme
    ) async throws {
        let (experiment, site) = (UUID(), UUID())
        for fact in order {
            switch fact {
            case 0: try await programme.service.deliver(Controls.siteOpened(agreement), subject: site.lowercase)
            case 1:
                try await programme.service.deliver(
                    Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase, sequence: 1)
            case 2:
                try await programme.service.deliver(
                    Controls.completed(experiment, under: agreement.id), subject: experiment.lowercase, sequence: 2)
            default: try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            }
        }
        try await programme.retryParked()
    }

    @Test func everyOrderOfEvidenceReleasesTheSameTranchesOnce() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 2_900_000_000)
            var rank = 0
            for order in permutations([0, 1, 2, 3]) {
                rank += 1
                let agreement = try await programme.signedAgreement(rank: rank, cents: 1000)
                // when
                try await deliver(order, of: agreement, to: programme)
                // then
                let tranches = try await programme.agreement(agreement.id).tranches
                #expect(tranches.map(\.state) == ["released", "released", "released"], "\(order)")
            }
            let released = try await programme.service.recordedEvents(type: TrancheReleased.type.name)
            #expect(released.count == 3 * rank)
            #expect(try await programme.parkedCount() == 0)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func evidenceBeforeTheSignatureWaits() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let drafted = try await programme.draft(try await programme.reservedGrant().id)
            let draft = try drafted.decode(AgreementAnswer.self)
            // when
            try await programme.service.deliver(Controls.siteOpened(draft), subject: UUID().lowercase)
            // then
            #expect(try await programme.parkedCount() == 1)
            // when
            _ = try await programme.sign(draft.id)
            try await programme.retryParked()
            // then
            #expect(try await programme.tranche(1, of: draft.id).state == "released")
        }
    }

    @Test func repeatedAndFurtherEvidenceReleasesNothingTwice() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            // when
            let first = UUID()
            for (id, name) in [(first, "a"), (first, "a"), (UUID(), "b"), (UUID(), "c")] {
                try await programme.service.deliver(
                    Controls.milestone(experiment, name), subject: experiment.lowercase,
                    sequence: name == "a" ? 1 : name == "b" ? 2 : 3, id: id)
            }
            // then
            let released = try await programme.service.recordedEvents(type: TrancheReleased.type.name)
            #expect(released.count == 1)
            #expect(try released.first?.decode(TrancheReleased.self).evidence.map(\.event) == [first])
            #expect(try await programme.tranche(2, of: agreement.id).evidence.map(\.event) == [first])
        }
    }

    @Test func evidenceThatArrivesTogetherReleasesOnce() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await programme.service.deliver(
                            Controls.siteOpened(agreement), subject: UUID().lowercase, sequence: 1)
                    }
                }
                try await group.waitForAll()
            }
            // then
            #expect(try await programme.service.recordedEvents(type: TrancheReleased.type.name).count == 1)
            #expect(try await programme.envelopes()["animation"]?.releasedCents == 30_000_000)
            #expect(try await programme.service.deadLetterCount() == 0)
            try await programme.expectBalancedLedger()
        }
    }
}
