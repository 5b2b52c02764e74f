import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct MainLine {
    @Test func moneyGoesFromTheEnvelopeToTheBeneficiaryStepByStep() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 1_000_000_000)
            // when: decided, agreed, signed
            let agreement = try await programme.signedAgreement(cents: 100_000_001)
            // then
            #expect(agreement.state == "signed" && agreement.version == 2)
            #expect(agreement.tranches.map(\.amountCents) == [30_000_000, 50_000_000, 20_000_001])
            #expect(agreement.tranches.map(\.state) == ["opened", "opened", "opened"])
            #expect(
                try await programme.envelopes()["animation"]?.money == [1_000_000_000, 100_000_001, 100_000_001, 0, 0])

            // when: the site opens, an experiment is co-funded, a milestone is reached
            let experiment = UUID()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            try await programme.service.deliver(
                Controls.request(experiment, under: agreement), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            // then
            #expect(
                try await programme.envelopes()["animation"]?.money
                    == [1_000_000_000, 100_000_001, 100_000_001, 80_000_000, 0])
            #expect(try await programme.envelopes()["experiments"]?.money == [500_000_000, 20_000_000, 0, 0, 0])

            // when: the advance is paid by two persons
            let advance = try await programme.tranche(1, of: agreement.id)
            let ordered = try await programme.order(advance.id)
            let payment = try ordered.decode(PaymentAnswer.self)
            let approved = try await programme.approve(payment.id)
            let executed = try await programme.execute(payment.id)
            // then
            #expect(ordered.status == .created && ordered.version == 1 && payment.ibanMasked == "FR14…2606")
            #expect(approved.status == .ok && approved.version == 2)
            #expect(executed.status == .ok && executed.version == 3)
            #expect(try executed.decode(PaymentAnswer.self).bankReference == "BDT-1")
            #expect(
                try await programme.envelopes()["animation"]?.money
                    == [1_000_000_000, 100_000_001, 100_000_001, 80_000_000, 30_000_000])
            #expect(try await programme.tranche(1, of: agreement.id).state == "paid")
            try await programme.expectBalancedLedger()

            // when: the experiment is completed
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase, sequence: 1)
            try await programme.service.deliver(
                Controls.completed(experiment, under: agreement.id), subject: experiment.lowercase, sequence: 2)
            // then
            #expect(try await programme.tranche(3, of: agreement.id).state == "released")
            #expect(
                try await programme.eventTypes() == [
                    "rule-set.published", "envelope.opened", "envelope.opened", "grant.reserved", "agreement.signed",
                    "tranche.opened", "tranche.opened", "tranche.opened", "tranche.released", "grant.reserved",
                    "cofunding.approved", "tranche.released", "payment.ordered", "payment.executed",
                    "tranche.released",
                ])
            #expect(try await programme.service.deadLetterCount() == 0)
        }
    }

    @Test func whyNamesTheEventOfEachConditionAndWhatIsMissing() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let path = "/v1/tranches/\(agreement.tranches[0].id.lowercase)/why"
            struct Why: Decodable {
                struct Condition: Decodable {
                    let condition: String
                    let isMet: Bool
                    let evidence: TrancheAnswer.EvidenceAnswer?
                }
                let isReleased: Bool
                let conditions: [Condition]
                let missing: [String]
            }
            // when
            let before = try await programme.service.request(.get, path, as: [.ministry]).decode(Why.self)
            // then
            #expect(!before.isReleased && before.missing == ["site-opened"])
            #expect(before.conditions.map(\.isMet) == [true, false])
            // when
            let event = try await programme.service.deliver(
                Controls.siteOpened(agreement), subject: UUID().lowercase)
            let after = try await programme.service.request(.get, path, as: [.operator]).decode(Why.self)
            // then
            #expect(after.isReleased && after.missing.isEmpty)
            #expect(after.conditions.last?.evidence?.event == event)
            let released = try await programme.service.recordedEvents(type: TrancheReleased.type.name)
            let payload = try #require(try released.first?.decode(TrancheReleased.self))
            #expect(payload.evidence.map(\.condition) == [.agreementSigned, .siteOpened])
            #expect(payload.evidence.last?.event == event)
        }
    }

    @Test func namesAndBankDetailsAppearInNoEvent() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            // when
            let payment = try await programme.order(agreement.tranches[0].id).decode(PaymentAnswer.self)
            _ = try await programme.approve(payment.id)
            _ = try await programme.execute(payment.id)
            // then
            for event in try await programme.service.recordedEvents() {
                let text = String(decoding: event.data, as: UTF8.self)
                for secret in ["Martin", "Petit", "CHU de Lille", Controls.iban, "0505"] {
                    #expect(!text.contains(secret), "\(event.type) tells \(secret)")
                }
            }
        }
    }

    @Test func beneficiaryReadsItsOwnMoneyAndNobodyElses() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            func status(_ path: String, organisation: String?) async throws -> HTTPResponse.Status {
                try await programme.service.request(
                    .get, path, as: [.siteManager], organisation: organisation
                ).status
            }
            let paths = [
                "/v1/agreements/\(agreement.id.lowercase)", "/v1/grants/\(agreement.grant.lowercase)",
                "/v1/tranches/\(agreement.tranches[0].id.lowercase)/why",
            ]
            for path in paths {
                // then
                #expect(try await status(path, organisation: Controls.siren) == .ok)
                #expect(try await status(path, organisation: "180020026") == .notFound)
                #expect(try await status(path, organisation: nil) == .forbidden)
                #expect(try await programme.service.request(.get, path).status == .unauthorized)
                #expect(try await programme.service.request(.get, path, as: [.reviewer]).status == .forbidden)
            }
            let others = try await programme.service.request(
                .get, "/v1/agreements", as: [.siteManager], organisation: "180020026")
            #expect(try others.decode(PageAnswer<GrantAnswer>.self).items.isEmpty)
        }
    }

    @Test func listsArePagedWithoutLossOrRepetition() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 2_900_000_000)
            for rank in 1...5 { _ = try await programme.reservedGrant(rank: rank, cents: 1000) }
            // when
            var seen: [UUID] = []
            var path: String? = "/v1/grants?call=\(programme.call.lowercase)&limit=2"
            while let next = path {
                let page = try await programme.service.request(.get, next, as: [.operator])
                    .decode(PageAnswer<GrantAnswer>.self)
                seen += page.items.map(\.id)
                path = page.next.map { "/v1/grants?call=\(programme.call.lowercase)&limit=2&after=\($0)" }
            }
            // then
            #expect(seen.count == 5 && Set(seen).count == 5)
        }
    }
}
