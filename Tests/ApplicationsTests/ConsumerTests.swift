import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Applications

struct ConsumerTests {
    private func refused(_ application: UUID, reason: String = "envelope-exhausted") -> GrantRefused {
        GrantRefused(
            grant: UUID(), call: UUID(), kind: .animation, application: application, experiment: nil,
            requestedCents: 1, reason: reason)
    }

    private func reserved(_ application: UUID, kind: EnvelopeKind = .animation, cents: Int64 = 5) -> GrantReserved {
        GrantReserved(
            grant: UUID(), envelope: UUID(), call: UUID(), kind: kind, application: application,
            experiment: kind == .experiments ? UUID() : nil, beneficiarySiren: Stage.leadSiren, reservedCents: cents,
            ruleSet: "aap-tle-2022", bindingRule: "animation-rate")
    }

    private func signed(_ application: UUID) -> AgreementSigned {
        AgreementSigned(
            agreement: UUID(), grant: UUID(), application: application, call: UUID(),
            lead: ConsortiumMember(siren: Stage.leadSiren, structureType: "esms", sector: nil), partners: [],
            grantedCents: 5, tranches: [], signedAt: Stage.graceUntil)
    }

    private func decided(_ stage: Stage, _ outcome: String = "funded") async throws -> UUID {
        let id = try await stage.submitted()
        try await stage.reviewed(id)
        _ = try await stage.recommend(id, outcome)
        _ = try await stage.decide(id, outcome)
        return try #require(UUID(uuidString: id))
    }

    @Test func newsOfTheGrantMayComeInAnyOrderAndTwice() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let application = try await decided(stage)
            let (early, late) = (Stage.graceUntil, Stage.graceUntil.addingTimeInterval(60))
            let (no, yes) = (refused(application), reserved(application, cents: 75_000_000))
            // when
            let id = try await service.deliver(yes, subject: yes.grant.lowercase, time: late)
            try await service.deliver(no, subject: no.grant.lowercase, time: early)
            try await service.deliver(yes, subject: yes.grant.lowercase, sequence: 1, id: id, time: late)
            let other = reserved(application, kind: .experiments, cents: 9)
            try await service.deliver(other, subject: other.grant.lowercase, time: late.addingTimeInterval(1))
            // then
            let grant = try await stage.show(application.lowercase).grant
            #expect(grant?.state == "reserved" && grant?.reservedCents == 75_000_000 && grant?.asOf == late)
            #expect(grant?.grant == yes.grant.lowercase)
            #expect(try await service.deadLetterCount() == 0)
        }
    }

    @Test func aRefusedGrantIsShownWithItsReason() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let application = try await decided(stage)
            #expect(try await stage.show(application.lowercase).grant?.state == "unknown")
            let no = refused(application)
            try await service.deliver(no, subject: no.grant.lowercase)
            let grant = try await stage.show(application.lowercase).grant
            #expect(grant?.state == "refused" && grant?.reason == "envelope-exhausted")
        }
    }

    @Test func anAgreementEndsTheApplicationOnceAndBeforeTheGrantIsKnown() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let application = try await decided(stage)
            for _ in 0..<2 {
                let agreement = signed(application)
                try await service.deliver(agreement, subject: agreement.agreement.lowercase)
            }
            let shown = try await stage.show(application.lowercase)
            #expect(shown.state == "contracted" && shown.version == 6)
            #expect(try await service.deadLetterCount() == 0)
        }
    }

    @Test func anAgreementForWhatWasNotFundedIsADeadLetter() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let application = try await decided(stage, "reserve")
            for id in [application, UUID()] {
                let agreement = signed(id)
                try await service.deliver(agreement, subject: agreement.agreement.lowercase)
            }
            #expect(try await stage.show(application.lowercase).state == "reserve")
            #expect(try await service.deadLetterCount() == 2)
        }
    }

    @Test func rulesThatAreNoneAreADeadLetterAndPublishedOnesDoNotChange() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            var changed = Stage.ruleSet
            changed.animationRateBasisPoints = 9000
            try await service.deliver(changed, subject: "aap-tle-2022")
            var broken = Stage.ruleSet
            broken.ruleSet = "broken"
            broken.animationRateBasisPoints = 20_000
            try await service.deliver(broken, subject: "broken")
            let id = try await stage.draft().decode(Stage.Shown.self).id
            #expect(try await stage.act(.post, id, "check").text.contains(#""computedGrantCents":75000000"#))
            #expect(try await service.deadLetterCount() == 1)
        }
    }
}
