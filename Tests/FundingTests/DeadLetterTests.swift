import Events
import Foundation
import Inbox
import TestSupport
import Testing

@testable import Funding

@Suite struct DeadLetterTests {
    @Test func aSiteThatTheBrokerGaveUpOnReleasesItsTrancheWhenItIsRetried() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let desk = programme.service.desk
            let letter = try await programme.service.giveUp(
                on: Controls.siteOpened(agreement), subject: UUID().lowercase)
            #expect(try await programme.tranche(1, of: agreement.id).state != "released")
            let event = try #require(try await desk.groups().first?.examples.first?.event)
            let words = try #require(FundingService.describe(event))
            #expect(words.en.hasPrefix("release of a tranche: opening of third place "))
            #expect(words.fr.hasSuffix("convention \(agreement.id.lowercase)"))
            // when
            let rehearsal = try await desk.rehearse(.retry, letter)
            #expect(try await programme.tranche(1, of: agreement.id).state != "released")
            let people = try FourEyes(by: "Anne", second: "Marc", reason: "the service was mended")
            let result = try await desk.settle(.retry, letter, by: people)
            // then
            #expect(rehearsal.outcome == .applied && result.outcome == .applied)
            #expect(result.published[TrancheReleased.type.name] == 1)
            #expect(rehearsal.published == result.published)
            #expect(try await programme.tranche(1, of: agreement.id).state == "released")
            #expect(try await desk.groups().isEmpty)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func evidenceForAnAgreementThatIsNotSignedYetIsParkedByARetry() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let draft = try await programme.draft(try await programme.reservedGrant().id)
                .decode(AgreementAnswer.self)
            let letter = try await programme.service.giveUp(on: Controls.siteOpened(draft), subject: UUID().lowercase)
            let people = try FourEyes(by: "Anne", second: "Marc", reason: "it may be ready now")
            // when
            let result = try await programme.service.desk.settle(.retry, letter, by: people)
            // then
            #expect(result.outcome == .parked && result.detail == "the agreement is not signed yet")
            _ = try await programme.sign(draft.id)
            try await programme.retryParked()
            #expect(try await programme.tranche(1, of: draft.id).state == "released")
        }
    }
}
