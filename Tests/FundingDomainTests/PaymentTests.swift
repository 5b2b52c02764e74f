import FundingDomain
import Testing

import struct FoundationEssentials.UUID

@Suite struct Payments {
    private let met = RecordedEvidence.of(.agreementSigned, .siteOpened, .milestoneReached, .experimentCompleted)

    private func ordered() throws -> (payment: Payment, tranche: Tranche) {
        let tranche = try Controls.releasedTranche()
        let payment = try Payment.order(
            id: UUID(), of: (tranche, met), to: (tranche.parts[0].line, "CHU de Lille", Controls.iban), by: "orderer")
        return (payment, tranche)
    }

    @Test func paymentIsOrderedApprovedByAnotherPersonAndExecutedOnce() throws {
        // given
        var (payment, tranche) = try ordered()
        // when
        try payment.approve(by: "approver", on: (tranche, met))
        let transfer = try payment.execute(bankReference: "BDT-1", tranche: &tranche, evidence: met)
        // then
        #expect(transfer?.reason == .pay)
        #expect(transfer?.cents == tranche.amountCents)
        #expect(tranche.state == .paid)
        #expect(payment.state == .executed)
        // when: the bank says it again
        #expect(try payment.execute(bankReference: "BDT-1", tranche: &tranche, evidence: met) == nil)
        // then
        #expect(throws: FundingError.paymentExecuted) {
            try payment.execute(bankReference: "BDT-2", tranche: &tranche, evidence: met)
        }
    }

    @Test func ordererMayNotApprove() throws {
        var (payment, tranche) = try ordered()
        #expect(throws: FundingError.separationOfDuties) {
            try payment.approve(by: "orderer", on: (tranche, met))
        }
        #expect(payment.state == .ordered)
    }

    @Test func stepsAreNotSkippedOrRepeated() throws {
        var (payment, tranche) = try ordered()
        #expect(throws: FundingError.paymentNotApproved(.ordered)) {
            try payment.execute(bankReference: "BDT-1", tranche: &tranche, evidence: met)
        }
        try payment.approve(by: "approver", on: (tranche, met))
        #expect(throws: FundingError.paymentNotOrdered(.approved)) {
            try payment.approve(by: "approver", on: (tranche, met))
        }
        for reference in ["", "a b", "é", "a\n", String(repeating: "x", count: 65)] {
            let refusal = #expect(throws: FundingError.self) {
                try payment.execute(bankReference: reference, tranche: &tranche, evidence: met)
            }
            #expect(refusal?.field == "/bankReference")
        }
        #expect(payment.state == .approved)
    }

    @Test func nothingGoesOnWhileEvidenceIsLost() throws {
        // given
        var (payment, tranche) = try ordered()
        let lost = tranche.conditions[0]
        let less = RecordedEvidence(met.facts.filter { $0.kind != lost.kind })
        // when, then
        #expect(throws: FundingError.evidenceLost(lost)) { try payment.approve(by: "approver", on: (tranche, less)) }
        try payment.approve(by: "approver", on: (tranche, met))
        #expect(throws: FundingError.evidenceLost(lost)) {
            try payment.execute(bankReference: "BDT-1", tranche: &tranche, evidence: less)
        }
        #expect(payment.state == .approved && tranche.state == .released)
        #expect(try payment.execute(bankReference: "BDT-1", tranche: &tranche, evidence: met) != nil)
        // The bank's message may still be repeated.
        #expect(try payment.execute(bankReference: "BDT-1", tranche: &tranche, evidence: less) == nil)
    }

    @Test func onlyAReleasedTrancheIsPaid() throws {
        let waiting = try Controls.signedAgreement().tranches[0]
        #expect(throws: FundingError.trancheNotReleased(.opened)) {
            try Payment.order(id: UUID(), of: (waiting, met), to: (waiting.parts[0].line, "a", Controls.iban), by: "o")
        }
        var (payment, paid) = try ordered()
        try payment.approve(by: "approver", on: (paid, met))
        _ = try payment.execute(bankReference: "r", tranche: &paid, evidence: met)
        #expect(throws: FundingError.paymentExists) {
            try Payment.order(id: UUID(), of: (paid, met), to: (paid.parts[0].line, "a", Controls.iban), by: "o")
        }
    }
}

@Suite struct LostEvidence {
    @Test func aReleasedTrancheIsHeldWhileItsMilestoneIsLost() throws {
        let tranche = try Controls.releasedTranche()
        #expect(tranche.lost(from: .none) == [.milestoneReached])
        #expect(throws: FundingError.evidenceLost(.milestoneReached)) {
            try Payment.order(
                id: UUID(), of: (tranche, .none), to: (tranche.parts[0].line, "a", Controls.iban), by: "o")
        }
    }

    @Test func whatWaitsHasNothingToLose() throws {
        #expect(try Controls.signedAgreement().tranches[1].lost(from: .none).isEmpty)
    }
}

@Suite struct IBANs {
    /// Examples of the ISO 13616 registry.
    @Test(
        arguments: [
            "FR1420041010050500013M02606", "FR14 2004 1010 0505 0001 3M02 606", "fr1420041010050500013m02606",
            "DE89370400440532013000", "BE68539007547034", "MT84MALT011000012345MTLCAST001S", "NO9386011117947",
        ])
    func registeredExamplesAreValid(text: String) throws {
        let iban = try IBAN(text)
        #expect(!iban.electronicForm.contains(" "))
        #expect(iban.electronicForm == iban.electronicForm.uppercased())
    }

    @Test(
        arguments: [
            "", "FR", "FR1420041010050500013M02607", "FR2420041010050500013M02606", "FR142004101005050001M02606",
            "FR1420041010050500013M0260", "1420041010050500013M02606FR", "FRXX20041010050500013M02606",
            "FR14-2004-1010-0505-0001-3M02-606", "FR14200410100505000١3M02606",
            String(repeating: "9", count: 10_000),
        ])
    func othersAreNot(text: String) {
        let refusal = #expect(throws: FundingError.self) { try IBAN(text) }
        #expect(refusal?.slug == "invalid-iban")
        #expect(refusal?.field == "/iban")
    }

    /// MOD 97-10 detects every single wrong digit and every swap of neighbours.
    @Test func everySingleWrongDigitAndEverySwapIsFound() throws {
        let valid = Array("FR1420041010050500013M02606")
        for position in 2..<valid.count where valid[position].isNumber {
            for digit in "0123456789" where digit != valid[position] {
                var wrong = valid
                wrong[position] = digit
                #expect(throws: FundingError.self) { try IBAN(String(wrong)) }
            }
        }
        for position in 4..<valid.count - 1 where valid[position] != valid[position + 1] {
            var wrong = valid
            wrong.swapAt(position, position + 1)
            #expect(throws: FundingError.self) { try IBAN(String(wrong)) }
        }
    }

    @Test func maskShowsTooLittleToUse() throws {
        #expect(try IBAN(Controls.iban).masked == "FR14…2606")
    }
}
