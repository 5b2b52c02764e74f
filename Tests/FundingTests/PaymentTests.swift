import Events
import Foundation
import HTTPDefaults
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct PaymentCommands {
    private func orderedPayment(_ programme: Programme, rank: Int = 1) async throws -> PaymentAnswer {
        let agreement = try await programme.signedAgreement(rank: rank)
        try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
        return try await programme.order(agreement.tranches[0].id).decode()
    }

    @Test func whoOrderedMayNotApproveWhateverRolesTheyHold() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let payment = try await orderedPayment(programme)
            // when
            let own = try await programme.approve(payment.id, by: "orderer")
            // then
            #expect(own.status == .forbidden && own.problemSlug == "separation-of-duties")
            #expect(try await programme.execute(payment.id, version: 1).problemSlug == "payment-not-approved")
            #expect(try await programme.approve(payment.id, by: "approver").status == .ok)
        }
    }

    @Test func ofTwoExecutionsThatRaceOneMovesTheMoney() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let payment = try await orderedPayment(programme)
            _ = try await programme.approve(payment.id)
            // when
            let statuses = try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for number in 0..<20 {
                    group.addTask { try await programme.execute(payment.id, reference: "BDT-\(number)").status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // then
            #expect(statuses.filter { $0 == .ok }.count == 1)
            #expect(statuses.filter { $0 == .preconditionFailed }.count == 19)
            #expect(try await programme.service.recordedEvents(type: PaymentExecuted.type.name).count == 1)
            #expect(try await programme.envelopes()["animation"]?.paidCents == 30_000_000)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func theBanksMessageMayBeRepeatedInEveryWay() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let payment = try await orderedPayment(programme)
            _ = try await programme.approve(payment.id)
            // when
            let first = try await programme.execute(payment.id, key: "one")
            let sameKey = try await programme.execute(payment.id, key: "one")
            let otherKey = try await programme.execute(payment.id, version: 2, key: "two")
            let otherReference = try await programme.execute(payment.id, reference: "BDT-2", version: 3)
            // then
            #expect(first.status == .ok)
            #expect(sameKey.text == first.text && sameKey.headers[.idempotencyReplayed] == "true")
            #expect(otherKey.status == .ok && otherKey.version == 3)
            #expect(otherReference.status == .conflict && otherReference.problemSlug == "payment-executed")
            #expect(try await programme.service.recordedEvents(type: PaymentExecuted.type.name).count == 1)
        }
    }

    @Test func bankReferenceBelongsToOnePayment() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let payments = [
                try await orderedPayment(programme), try await orderedPayment(programme, rank: 2),
            ]
            for payment in payments { _ = try await programme.approve(payment.id) }
            _ = try await programme.execute(payments[0].id)
            // when
            let second = try await programme.execute(payments[1].id)
            // then
            #expect(second.status == .conflict && second.problemSlug == "bank-reference-used")
            #expect(second.problem?.field == "/bankReference")
            #expect(try await programme.envelopes()["animation"]?.paidCents == 30_000_000)
        }
    }

    @Test func onePaymentPerTrancheAlsoWhenOrdersRace() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let tranche = agreement.tranches[0].id
            let early = try await programme.order(tranche)
            #expect(early.status == .conflict && early.problemSlug == "tranche-not-released")
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            // when
            let slugs = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        let answer = try await programme.order(tranche)
                        return answer.status == .created ? "created" : answer.problemSlug
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // then
            #expect(slugs.filter { $0 == "created" }.count == 1)
            #expect(slugs.filter { $0 == "payment-exists" }.count == 9)
        }
    }

    @Test(arguments: ["FR1420041010050500013M02607", "FR14", "", "FR142004101005050001"])
    func wrongIBANIsRefusedByFieldAndNothingIsStored(iban: String) async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            // when
            let answer = try await programme.order(agreement.tranches[0].id, iban: iban)
            // then
            #expect(answer.status == .unprocessableContent && answer.problemSlug == "invalid-iban")
            #expect(answer.problem?.field == "/iban")
            #expect(iban.isEmpty || !answer.text.contains(iban))
            #expect(try await programme.agreement(agreement.id).payments.isEmpty)
        }
    }
}
