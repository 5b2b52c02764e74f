import BankMessages
import Testing

@Suite struct PaymentStatusReportTests {
    @Test func everyTransactionHasItsStatusReasonAndAmount() throws {
        // when
        let report = try PaymentStatusReport(reading: Controls.golden("pain002-10.xml"))
        // then
        #expect(report.messageID == "BANK-STATUS-2026-0417")
        #expect(report.originalMessageID == "MAILLAGE-20261123-001")
        #expect(report.groupStatus?.outcome == .partial && report.groupReasons.isEmpty)
        #expect(report.blocks.map(\.originalID) == ["MAILLAGE-20261123-001"])
        #expect(report.blocks.map(\.status?.code) == ["PART"])
        let transactions = report.transactions
        #expect(transactions.map(\.originalEndToEndID) == ["PAYMENT-0001", "PAYMENT-0002", "PAYMENT-0003"])
        #expect(transactions.map(\.originalInstructionID) == ["TRANCHE-0001", "TRANCHE-0002", nil])
        #expect(transactions.map(\.status.code) == ["ACSC", "RJCT", "PDNG"])
        #expect(transactions.map(\.status.outcome) == [.settled, .rejected, .underWay])
        #expect(transactions.map(\.amountCents) == [12_375_050, 1, nil])
        #expect(transactions.map { $0.reasons.map(\.code) } == [[], ["AC04"], ["Contrôle manuel"]])
        #expect(transactions.map { $0.reasons.map(\.isProprietary) } == [[], [false], [true]])
        #expect(
            transactions[1].reasons[0].additionalInformation == [
                "Compte du bénéficiaire clôturé", "Ne pas représenter & contacter le bénéficiaire",
            ])
        #expect(report.duplicates.isEmpty)
    }

    @Test func olderVersionWithPrefixesIsReadAndTheGroupRejectsForItsTransactions() throws {
        let report = try PaymentStatusReport(reading: Controls.golden("pain002-03.xml"))
        #expect(report.originalMessageID == "MAILLAGE-20261123-002")
        #expect(report.groupStatus?.code == "RJCT")
        #expect(report.groupReasons.map(\.code) == ["AM18"])
        #expect(report.groupReasons.map(\.additionalInformation) == [["Nombre de transactions invalide"]])
        #expect(report.transactions.map(\.status.outcome) == [.rejected])
    }

    @Test func partOfABlockSaysNothingOfATransaction() throws {
        let bytes = try Controls.golden("pain002-03.xml", replacing: ">RJCT<", by: ">PART<")
        #expect(throws: BankMessagesError.missing(place: "CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/TxSts")) {
            try PaymentStatusReport(reading: bytes)
        }
    }

    @Test(arguments: [
        ("ACCP", PaymentStatus.Outcome.underWay), ("ACSP", .underWay), ("ACTC", .underWay), ("ACWC", .underWay),
        ("RCVD", .underWay), ("PDNG", .underWay), ("ACSC", .settled), ("ACCC", .settled), ("RJCT", .rejected),
        ("CANC", .rejected), ("PART", .partial), ("XY9", .unknown),
    ])
    func statusLeadsToAnOutcome(code: String, outcome: PaymentStatus.Outcome) throws {
        let bytes = try Controls.golden("pain002-10.xml", replacing: ">ACSC<", by: "> \(code)\n<")
        let status = try PaymentStatusReport(reading: bytes).transactions.first?.status
        #expect(status?.code == code && status?.outcome == outcome)
    }

    @Test func statusOfATransactionGoesBeforeThatOfItsBlock() throws {
        let bytes = try Controls.golden("pain002-10.xml", replacing: "<PmtInfSts>PART", by: "<PmtInfSts>ACCP")
        let report = try PaymentStatusReport(reading: bytes)
        #expect(report.blocks.map(\.status?.code) == ["ACCP"])
        #expect(report.transactions.map(\.status.code) == ["ACSC", "RJCT", "PDNG"])
    }

    @Test func transactionThatIsReportedTwiceIsTold() throws {
        let bytes = try Controls.golden("pain002-10.xml", replacing: "PAYMENT-0003", by: "PAYMENT-0001")
        let report = try PaymentStatusReport(reading: bytes)
        let block = "CstmrPmtStsRpt/OrgnlPmtInfAndSts"
        #expect(report.transactions.count == 3)
        #expect(
            report.duplicates.map { [$0.reference, $0.place, $0.firstPlace] }
                == [["PAYMENT-0001", "\(block)/TxInfAndSts[3]", "\(block)/TxInfAndSts"]])
    }

    @Test(arguments: [
        ("<OrgnlMsgId>MAILLAGE-20261123-001</OrgnlMsgId>", "", "OrgnlGrpInfAndSts/OrgnlMsgId: is missing"),
        ("<OrgnlEndToEndId>PAYMENT-0003</OrgnlEndToEndId>", "", "TxInfAndSts[3]/OrgnlEndToEndId: is missing"),
        ("<MsgId>", "<MsgId>A</MsgId><MsgId>", "GrpHdr/MsgId[2]: may stand once only"),
        ("<TxSts>RJCT", "<TxSts>rjct", "TxInfAndSts[2]/TxSts: a code of 1 to 4 capital letters and digits is expected"),
        ("<TxSts>RJCT", "<TxSts>REJECTED", "TxInfAndSts[2]/TxSts: a code"),
        ("PAYMENT-0003", "PAY<b/>MENT-0003", "TxInfAndSts[3]/OrgnlEndToEndId: a text of 1 to 35 characters"),
        ("PAYMENT-0003", "PAY\nMENT-0003", "TxInfAndSts[3]/OrgnlEndToEndId: a text of 1 to 35 characters"),
        ("PAYMENT-0003", "PAY\u{2028}MENT-0003", "TxInfAndSts[3]/OrgnlEndToEndId: a text of 1 to 35 characters"),
        ("PAYMENT-0003", "PAYMENT-0003-0003-0003-0003-0003-003", "TxInfAndSts[3]/OrgnlEndToEndId: a text"),
        ("Ccy=\"EUR\">0.01", "Ccy=\"USD\">0.01", "Amt/InstdAmt: an amount in EUR is expected"),
        (" Ccy=\"EUR\">0.01", ">0.01", "Amt/InstdAmt: an amount in EUR is expected"),
        ("0.01", "0.011", "Amt/InstdAmt: an amount of digits with a point and at most two decimals"),
        ("<Cd>AC04</Cd>", "<Cd>AC04</Cd><Prtry>X</Prtry>", "StsRsnInf/Rsn/Prtry: may stand once only"),
        ("CstmrPmtStsRpt>", "Other>", "CstmrPmtStsRpt: is missing"),
    ])
    func whatIsNotAsInTheSchemaIsRefusedByItsPlace(old: String, new: String, message: String) throws {
        let text = String(decoding: try Controls.golden("pain002-10.xml"), as: UTF8.self)
        let isName = old.hasSuffix("Rpt>")
        let bytes = Array(text.replacing(old, with: new, maxReplacements: isName ? 2 : 1).utf8)
        let error = #expect(throws: BankMessagesError.self) { try PaymentStatusReport(reading: bytes) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test func unknownElementsAreIgnoredAlsoOfOtherNamespaces() throws {
        let foreign = #"<x:OrgnlMsgId xmlns:x="urn:other">OTHER</x:OrgnlMsgId><New a="1">a<b/>c</New><OrgnlMsgId>"#
        let bytes = try Controls.golden("pain002-10.xml", replacing: "<OrgnlMsgId>", by: foreign)
        #expect(
            try PaymentStatusReport(reading: bytes) == PaymentStatusReport(reading: Controls.golden("pain002-10.xml")))
    }
}
