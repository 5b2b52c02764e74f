import CofundingRules
import Events
import Foundation
import FundingDomain
import HTTPTypes
import Identifiers
import Identity
import Postgres
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct StateAidGrants {
    @Test func whatTheBeneficiaryRestsOnBoundsItsGrant() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.publishAidRules()
            let agreement = try await programme.signedAgreement()
            let undeclared = try await programme.requestCofunding(under: agreement)
            // when: 45 % for a small undertaking
            try await programme.declare(AidControls.gber())
            let declared = try await programme.requestCofunding(under: agreement)
            // then
            let before = try #require(try await programme.grant(of: undeclared, under: agreement))
            #expect(before.reservedCents == 20_000_000 && before.stateAidRules == nil && before.grantedOn == nil)
            #expect(before.derivation.map(\.rule) == ["experiment-rate", "experiment-ceiling", "requested-amount"])
            let after = try #require(try await programme.grant(of: declared, under: agreement))
            #expect(after.reservedCents == 18_000_000 && after.bindingRule == "gber-intensity")
            #expect(after.stateAidRules == "gber-2014" && after.grantedOn == "2026-03-02")
            #expect(after.derivation.map(\.isBinding) == [false, false, true, false])
            let approved = try await programme.service.recordedEvents(type: CofundingApproved.type.name)
            #expect(try approved.last?.decode(CofundingApproved.self).derivation == after.derivation)
            let kept = try await programme.service.request(.get, "/v1/grants/\(after.id.lowercase)", as: [.operator])
            #expect(kept.text.contains("size +20 %"))
            #expect(try await programme.deMinimisRegister().isEmpty)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whoHasNoEconomicActivityHasTheCallsCapsAlone() async throws {
        try await Programme.with { programme in
            // given: no State-aid rules at all
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.declare(#"{"kind": "non-economic"}"#)
            // when
            let experiment = try await programme.requestCofunding(under: agreement)
            // then
            let grant = try #require(try await programme.grant(of: experiment, under: agreement))
            #expect(grant.reservedCents == 20_000_000 && grant.stateAidRules == nil)
            #expect(grant.derivation.map(\.rule).contains("non-economic") && grant.grantedOn == "2026-03-02")
        }
    }

    @Test func grantsWaitForStateAidRulesAsTheyWaitForTheRulesOfTheCall() async throws {
        struct Standing: Decodable {
            let waitsFor: String?
        }
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.declare(AidControls.gber())
            // when
            let application = UUID()
            try await programme.decide(Controls.decision(application, call: programme.call, rank: 2))
            let experiment = try await programme.requestCofunding(under: agreement)
            // then
            let path = "/v1/calls/\(programme.call.lowercase)/allotment"
            let standing = try await programme.service.request(.get, path, as: [.operator]).decode(Standing.self)
            #expect(standing.waitsFor == "rule-set")
            #expect(try await programme.parkedCount() == 1)
            // when
            try await programme.publishAidRules()
            try await programme.retryParked()
            // then: 45 % of twice what was asked
            #expect(try await programme.grants(of: application).first?.reservedCents == 90_000_000)
            #expect(try await programme.grant(of: experiment, under: agreement)?.reservedCents == 18_000_000)
        }
    }

    @Test func aRankThatWaitsForRulesIsServedOnAnotherBasis() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.declare(AidControls.gber())
            let application = UUID()
            try await programme.decide(Controls.decision(application, call: programme.call, rank: 1))
            #expect(try await programme.grants(of: application).isEmpty)
            // when
            try await programme.declare(#"{"kind": "non-economic"}"#, version: 1)
            // then
            #expect(try await programme.grants(of: application).first?.reservedCents == 100_000_000)
        }
    }

    @Test func theRulesAreThoseOfTheLegalDayInParis() async throws {
        try await Programme.with { programme in
            // given: 1,000 € in 2021, which counts over three fiscal years and not over three years
            try await programme.publishCall()
            try await programme.publishRules(validFrom: "2022-01-01T00:00:00Z")
            try await programme.openEnvelope("animation", 1_000_000_000)
            try await programme.publishAidRules()
            try await programme.declare(AidControls.deMinimis([("2020-12-31", 100_000, AidControls.head)]))
            // when: half an hour before and after midnight in Paris, which is one hour ahead of UTC
            var grants: [GrantAnswer] = []
            for (index, instant) in [1_704_061_800.0, 1_704_065_400].enumerated() {
                var decision = Controls.decision(
                    UUID(), call: programme.call, rank: index + 1, requestedCents: 40_000_000)
                decision.decidedAt = Date(timeIntervalSince1970: instant)
                try await programme.decide(decision)
                grants.append(try #require(try await programme.grants(of: decision.application).first))
            }
            // then: 200,000 € until the end of 2023, 300,000 € from 2024 on, of which 200,000 € are used
            #expect(grants.map(\.grantedOn) == ["2023-12-31", "2024-01-01"])
            #expect(grants.map(\.reservedCents) == [20_000_000, 10_000_000])
            let register = try await programme.deMinimisRegister()
            #expect(register.map(\.grantedOn) == ["2023-12-31", "2024-01-01"])
            #expect(register.map(\.source).allSatisfy { $0.hasPrefix("Regulation (EU)") })
            #expect(Set(register.map(\.source)).count == 2)
            // The file that reports them: with the members of the day and what the ceiling left.
            let path = "/v1/de-minimis-register/document"
            let entries = try DeMinimisRegisterCSV.entries(
                of: Array(try await programme.service.request(.get, path, as: [.ministry]).text.utf8))
            #expect(entries.map(\.grant.cents) == [20_000_000, 10_000_000])
            #expect(entries.map(\.grant.grantedOn.description) == ["2023-12-31", "2024-01-01"])
            #expect(entries.map(\.roomLeftCents) == [0, 0])
            #expect(entries.allSatisfy { $0.grant.undertaking.map(\.digits) == [AidControls.head] })
            let other = try await programme.service.request(
                .get, path, as: [.applicant], organisation: AidControls.head)
            #expect(other.status == .forbidden)
        }
    }

    @Test func whoIsSettledLateFindsNoRoomThatALaterGrantHasUsed() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.publishAidRules()
            let agreement = try await programme.signedAgreement()
            try await programme.declare(AidControls.deMinimis())
            programme.service.clock.advance(by: .seconds(10 * 86_400))
            _ = try await programme.requestCofunding(under: agreement, 25_000_000)
            // when: a decision of ten days before
            let application = UUID()
            try await programme.decide(Controls.decision(application, call: programme.call, rank: 2))
            // then
            let grant = try #require(try await programme.grants(of: application).first)
            #expect(grant.reservedCents == 5_000_000 && grant.grantedOn == "2026-03-02")
            #expect(try await programme.deMinimisRegister().map(\.amountCents).reduce(0, +) == 30_000_000)
        }
    }

    @Test func aidOfMembersCountsAndWhatIsUsedUpIsRefusedByItsName() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.publishAidRules()
            let agreement = try await programme.signedAgreement()
            let aids = [
                ("2025-06-01", Int64(12_000_000), AidControls.member), ("2020-06-01", 9_000_000, AidControls.head),
            ]
            try await programme.declare(AidControls.deMinimis(aids), members: [AidControls.member])
            // when
            let first = try await programme.requestCofunding(under: agreement)
            let second = try await programme.requestCofunding(under: agreement)
            // then
            let granted = try #require(try await programme.grant(of: first, under: agreement))
            #expect(granted.reservedCents == 18_000_000 && granted.bindingRule == "de-minimis-room")
            let refused = try #require(try await programme.grant(of: second, under: agreement))
            #expect(refused.state == "refused" && refused.reason == "de-minimis-exhausted")
            let told = try await programme.service.recordedEvents(type: CofundingRefused.type.name)
            #expect(try told.first?.decode(CofundingRefused.self).reason == "de-minimis-exhausted")
            let register = try await programme.deMinimisRegister()
            #expect(register.map(\.grant) == [granted.id] && register.first?.undertaking == AidControls.head)
            #expect(try await programme.deMinimisRegister("?siren=\(AidControls.member)").isEmpty)
            let own = try await programme.deMinimisRegister(as: [.applicant], organisation: AidControls.head)
            let others = try await programme.deMinimisRegister(as: [.applicant], organisation: AidControls.foreigner)
            #expect(own.count == 1 && others.isEmpty)
        }
    }

    @Test func fiftyWhoAreGrantedAtOnceNeverComeAboveTheCeiling() async throws {
        try await Programme.with { programme in
            // given: 300,000 € for fifty times 17,000 €
            try await programme.prepare(experimentsCents: 2_000_000_000)
            try await programme.publishAidRules()
            let agreement = try await programme.signedAgreement()
            try await programme.declare(AidControls.deMinimis())
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { _ = try await programme.requestCofunding(under: agreement, 1_700_000) }
                }
                try await group.waitForAll()
            }
            // then
            let grants = try await programme.service.request(
                .get, "/v1/grants?limit=200&application=\(agreement.application.lowercase)", as: [.operator]
            ).decode(PageAnswer<GrantAnswer>.self).items.filter { $0.experiment != nil }
            #expect(grants.count == 50)
            let reserved = grants.filter { $0.state == "reserved" }.map(\.reservedCents).sorted()
            #expect(reserved == [1_100_000] + Array(repeating: 1_700_000, count: 17))
            #expect(grants.filter { $0.reason == "de-minimis-exhausted" }.count == 32)
            let register = try await programme.deMinimisRegister()
            #expect(register.map(\.amountCents).reduce(0, +) == 30_000_000)
            #expect(Set(register.map(\.grant)) == Set(grants.filter { $0.reason == nil }.map(\.id)))
            #expect(try await programme.service.deadLetterCount() == 0)
            try await programme.expectBalancedLedger()
        }
    }
}
