import BankMessages
import Events
import Foundation
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Funding

/// Payments go to the bank in files, and the bank's files tell what became of them.
@Suite(.timeLimit(.minutes(10))) struct BankTests {
    struct BatchAnswer: Decodable {
        struct LeftOut: Decodable, Equatable {
            let payment: UUID
            let reason: String
        }

        let id: UUID
        let messageID: String
        let paymentCount: Int
        let totalCents: Int64
        let leftOut: [LeftOut]
    }

    struct OutcomeAnswer: Decodable, Equatable {
        let reference: String
        let payment: UUID?
        let result: String
        let reason: String?
    }

    /// `executed`, or `rejected AC04`: of each transaction.
    private func results(_ answer: TestAnswer) throws -> [String] {
        try answer.decode(OutcomesAnswer.self).transactions.map { outcome in
            [outcome.result, outcome.reason].compactMap { $0 }.joined(separator: " ")
        }
    }

    private struct OutcomesAnswer: Decodable {
        let transactions: [OutcomeAnswer]
    }

    static let settings = [
        "funding.debtor-name": "Banque des Territoires", "funding.debtor-iban": "FR7630006000011234567890189",
    ]

    /// Two agreements whose first payments are approved.
    private func withApproved(
        _ body: (Programme, [(payment: UUID, experiment: UUID)]) async throws -> Void
    ) async throws {
        try await Programme.with(settings: Self.settings) { programme in
            try await programme.prepare()
            var approved: [(payment: UUID, experiment: UUID)] = []
            for rank in 1...2 {
                let agreement = try await programme.signedAgreement(rank: rank)
                let experiment = UUID()
                try await programme.service.deliver(
                    Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
                try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
                let payment = try await programme.order(agreement.tranches[1].id).decode(PaymentAnswer.self).id
                #expect(try await programme.approve(payment).status == .ok)
                approved.append((payment, experiment))
            }
            try await body(programme, approved)
        }
    }

    private func make(_ programme: Programme, key: String = UUID().uuidString) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/payment-batches", as: [.payingOfficer], json: #"{"executionDay": "2026-03-05"}"#,
            headers: [.idempotencyKey: key])
    }

    private func send(_ document: String, _ programme: Programme) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/bank-messages", as: [.payingOfficer], json: document,
            headers: [.contentType: "application/xml"])
    }

    private func state(of payment: UUID, _ programme: Programme) async throws -> String {
        try await programme.service.request(.get, "/v1/payments/\(payment.lowercase)", as: [.operator])
            .decode(PaymentAnswer.self).state
    }

    private func notification(
        _ payment: UUID, cents: Int64, reference: String, returned: String = ""
    ) -> String {
        """
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
        <GrpHdr><MsgId>N-1</MsgId></GrpHdr><Ntfctn><Id>N</Id>
        <Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></Acct>
        <Ntry><Amt Ccy="EUR">\(cents / 100).\(cents % 100 / 10)\(cents % 10)</Amt><CdtDbtInd>DBIT</CdtDbtInd>
        <Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-05</Dt></BookgDt><AcctSvcrRef>\(reference)</AcctSvcrRef>
        <NtryDtls><TxDtls><Refs><EndToEndId>\(PaymentBatchStore.reference(payment))</EndToEndId></Refs>\(returned)
        </TxDtls></NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
        """
    }

    private func rejection(of payment: UUID, in message: String) -> String {
        """
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
        <GrpHdr><MsgId>S-1</MsgId></GrpHdr>
        <OrgnlGrpInfAndSts><OrgnlMsgId>\(message)</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
        <GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
        <OrgnlPmtInfAndSts><OrgnlPmtInfId>\(message)</OrgnlPmtInfId>
        <TxInfAndSts><OrgnlEndToEndId>\(PaymentBatchStore.reference(payment))</OrgnlEndToEndId><TxSts>RJCT</TxSts>
        <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>
        </CstmrPmtStsRpt></Document>
        """
    }

    @Test func approvedPaymentsGoToTheBankOnceAndWhatMayNotGoStays() async throws {
        try await withApproved { programme, approved in
            // given: the evidence of the second fell after its approval
            try await programme.service.deliver(
                Controls.lost(approved[1].experiment), subject: approved[1].experiment.lowercase)
            // when
            let made = try await make(programme, key: "one")
            // then
            #expect(made.status == .created)
            let batch: BatchAnswer = try made.decode()
            #expect(batch.paymentCount == 1 && batch.totalCents == 50_000_000)
            #expect(batch.leftOut == [.init(payment: approved[1].payment, reason: "evidence-lost")])
            let path = "/v1/payment-batches/\(batch.id.lowercase)/document"
            let document = try await programme.service.request(.get, path, as: [.payingOfficer])
            #expect(document.headers[.contentType] == "application/xml")
            #expect(document.text.contains(PaymentBatchStore.reference(approved[0].payment)))
            #expect(document.text.contains("500000.00") && document.text.contains(Controls.iban))
            #expect(try await programme.service.request(.get, path, as: [.operator]).status == .forbidden)
            // when: again, under the same key and under another
            let again = try await make(programme, key: "one")
            #expect(again.text == made.text)
            #expect(try await make(programme).problemSlug == "nothing-to-send")
            // then: what the bank has is not taken back
            let cancelled = try await programme.service.request(
                .post, "/v1/payments/\(approved[0].payment.lowercase)/cancel", as: [.operator],
                json: #"{"reason": "erreur"}"#, headers: Programme.ifMatch(3))
            #expect(cancelled.problemSlug == "payment-with-bank")
        }
    }

    @Test func theBanksFilesExecuteAndRejectAndAFileToldAgainChangesNothing() async throws {
        try await withApproved { programme, approved in
            // given
            let batch: BatchAnswer = try await make(programme).decode()
            let (first, second) = (approved[0].payment, approved[1].payment)
            // when
            let file = notification(first, cents: 50_000_000, reference: "BQ-1")
            let executed = try await send(file, programme)
            let rejected = try await send(rejection(of: second, in: batch.messageID), programme)
            // then
            #expect(try results(executed) == ["executed"])
            #expect(try results(rejected) == ["rejected AC04"])
            #expect(try await state(of: first, programme) == "executed")
            #expect(try await state(of: second, programme) == "rejected")
            #expect(try await programme.envelopes()["animation"]?.paidCents == 50_000_000)
            // when: the same file, and another that says the same
            let again = try await send(file, programme)
            let other = try await send(file.replacing("N-1", with: "N-2"), programme)
            // then
            #expect(again.text == executed.text)
            #expect(try results(other) == ["noted"])
            #expect(try await programme.service.recordedEvents(type: PaymentExecuted.type.name).count == 1)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatTheBankHasPaidIsBookedAlsoWhenItsEvidenceFellMeanwhileAndIsProposedForRecovery() async throws {
        try await withApproved { programme, approved in
            // given
            _ = try await make(programme)
            let cause = try await programme.service.deliver(
                Controls.lost(approved[0].experiment), subject: approved[0].experiment.lowercase)
            // when
            let file = notification(approved[0].payment, cents: 50_000_000, reference: "BQ-1")
            let executed = try await send(file, programme)
            // then
            #expect(try results(executed) == ["executed"])
            let proposed = try await programme.service.recordedEvents(type: RecoveryProposed.type.name)
            let payload = try #require(try proposed.first?.decode(RecoveryProposed.self))
            #expect(payload.cause == cause && payload.amountCents == 50_000_000)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func whatFitsNoPaymentOfOursIsToldAndChangesNothing() async throws {
        try await withApproved { programme, approved in
            // given
            let payment = approved[0].payment
            // when: never sent, then another amount, then nobody's, then a return
            let early = try await send(notification(payment, cents: 50_000_000, reference: "BQ-1"), programme)
            _ = try await make(programme)
            let amount = try await send(notification(payment, cents: 49_999_999, reference: "BQ-2"), programme)
            let nobody = try await send(notification(UUID(), cents: 1, reference: "BQ-3"), programme)
            let returned = try await send(
                notification(
                    payment, cents: 50_000_000, reference: "BQ-4",
                    returned: "<RtrInf><Rsn><Cd>AC01</Cd></Rsn></RtrInf>"), programme)
            // then
            let reasons = try [early, amount, nobody, returned].map { try results($0) }
            #expect(
                reasons == [
                    ["unknown payment-not-approved"], ["unknown another-amount"], ["unknown not-ours"],
                    ["returned AC01"],
                ])
            #expect(try await state(of: payment, programme) == "approved")
            #expect(try await programme.envelopes()["animation"]?.paidCents == 0)
            // when: what is no bank message at all
            let noise = try await send("<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", programme)
            // then
            #expect(noise.status == .unprocessableContent && noise.problemSlug == "document-type-declared")
            let json = try await programme.service.request(
                .post, "/v1/bank-messages", as: [.payingOfficer], json: "{}")
            #expect(json.status == .unsupportedMediaType)
        }
    }

    @Test func severalPaymentsThatAreBookedAsOneEntryAreEachTheirOwn() async throws {
        try await withApproved { programme, approved in
            // given
            _ = try await make(programme)
            let details = approved.map {
                "<TxDtls><Refs><EndToEndId>\(PaymentBatchStore.reference($0.payment))</EndToEndId></Refs>"
                    + "<Amt Ccy=\"EUR\">500000.00</Amt></TxDtls>"
            }
            let one = notification(approved[0].payment, cents: 100_000_000, reference: "BQ-1")
            let start = try #require(one.firstRange(of: "<TxDtls>"))
            let end = try #require(one.firstRange(of: "</TxDtls>"))
            let file = one[..<start.lowerBound] + details.joined() + one[end.upperBound...]
            // when
            let booked = try await send(String(file), programme)
            // then
            #expect(try results(booked) == ["executed", "executed"])
            #expect(try await programme.envelopes()["animation"]?.paidCents == 100_000_000)
            // when: without amounts nobody knows how much each was
            let bare = String(file).replacing("<Amt Ccy=\"EUR\">500000.00</Amt>", with: "")
            // then
            #expect(try results(try await send(bare, programme)) == ["unknown no-amount", "unknown no-amount"])
            let elsewhere = String(file).replacing("FR7630006000011234567890189", with: Controls.iban)
            #expect(
                try results(try await send(elsewhere, programme))
                    == ["unknown another-account", "unknown another-account"])
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aBlockThatTheBankRejectsRejectsItsPaymentsAndNobodyElseMay() async throws {
        try await withApproved { programme, approved in
            // given
            let batch: BatchAnswer = try await make(programme).decode()
            let manual = try await programme.service.request(
                .post, "/v1/payments/\(approved[0].payment.lowercase)/reject", as: [.payingOfficer],
                json: #"{"reason": "AC04"}"#, headers: Programme.ifMatch(3))
            #expect(manual.problemSlug == "payment-with-bank")
            // when
            let report = rejection(of: approved[0].payment, in: batch.messageID)
            let start = try #require(report.firstRange(of: "<TxInfAndSts>"))
            let end = try #require(report.firstRange(of: "</TxInfAndSts>"))
            let block = "<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>"
            let rejected = try await send(report[..<start.lowerBound] + block + report[end.upperBound...], programme)
            // then
            #expect(try results(rejected) == ["rejected AM04", "rejected AM04"])
            #expect(try await state(of: approved[1].payment, programme) == "rejected")
        }
    }

    @Test func aCreditorThatNoBankTakesKeepsNobodyBack() async throws {
        try await withApproved { programme, approved in
            // given: a name that is too long for a bank
            try await programme.service.pool.query(
                "update payments set creditor_name = repeat('x', 71) where id = \(approved[0].payment)")
            // when
            let batch: BatchAnswer = try await make(programme).decode()
            // then
            #expect(batch.paymentCount == 1)
            #expect(batch.leftOut == [.init(payment: approved[0].payment, reason: "invalid-input")])
        }
    }

    @Test func twoWhoSendAtTheSameTimeSendNoPaymentTwice() async throws {
        try await withApproved { programme, approved in
            // when
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<4 { group.addTask { try await make(programme) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // then
            let made = answers.filter { $0.status == .created }
            let batches = try made.map { try $0.decode(BatchAnswer.self) }
            #expect(batches.map(\.paymentCount).reduce(0, +) == approved.count)
            #expect(answers.allSatisfy { $0.status == .created || $0.problemSlug == "nothing-to-send" })
        }
    }

    @Test func withoutAnAccountNoFilesAreMade() async throws {
        try await Programme.with { programme in
            let refused = try await make(programme)
            #expect(refused.problemSlug == "debtor-not-configured")
        }
    }
}
