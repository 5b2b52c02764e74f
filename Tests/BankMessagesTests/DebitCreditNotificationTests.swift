import BankMessages
import CofundingRules
import Testing

@Suite struct DebitCreditNotificationTests {
    @Test func entriesHaveTheirAmountsStatesAndReferences() throws {
        // when
        let message = try DebitCreditNotification(reading: Controls.golden("camt054-08.xml"))
        // then
        #expect(message.messageID == "BANK-NTFCTN-2026-1101")
        let account = try #require(message.accounts.first)
        #expect(message.accounts.count == 1 && account.id == "NTFCTN-1")
        #expect(account.accountIBAN == Controls.bankIBAN)
        let entries = account.entries
        #expect(entries.map(\.amountCents) == [12_375_050, 31_000, 7])
        #expect(entries.map(\.direction) == [.debit, .credit, .credit])
        #expect(entries.map(\.isReversal) == [false, true, false])
        #expect(entries.map(\.status) == [.booked, .booked, .pending])
        #expect(entries.map { $0.bookingDay?.description } == ["2026-11-25", "2026-11-25", nil])
        #expect(entries.map(\.bankReference) == ["BQ-20261125-000001", "BQ-20261125-000002", nil])
        #expect(entries.map(\.transactions.count) == [1, 2, 0])
        #expect(message.duplicates.isEmpty)
    }

    @Test func returnedTransactionsSayWhy() throws {
        let message = try DebitCreditNotification(reading: Controls.golden("camt054-08.xml"))
        let transactions = message.accounts[0].entries.flatMap(\.transactions)
        #expect(transactions.map(\.endToEndID) == ["PAYMENT-0001", "PAYMENT-0004", nil])
        #expect(transactions.map(\.instructionID) == ["TRANCHE-0001", nil, nil])
        #expect(transactions.map(\.bankReference) == [nil, "BQ-20261125-000002-1", "BQ-20261125-000002-2"])
        #expect(transactions.map(\.amountCents) == [12_375_050, 30_000, 1_000])
        #expect(transactions.map(\.direction) == [.debit, .credit, .credit])
        #expect(transactions.map(\.returnReason?.code) == [nil, "AC01", nil])
        #expect(transactions[1].returnReason?.additionalInformation == ["IBAN inconnu"])
    }

    @Test func olderVersionHasItsAmountInTheDetailsAndAPaymentThatWasBookedTwiceIsTold() throws {
        // when
        let message = try DebitCreditNotification(reading: Controls.golden("camt054-02.xml"))
        // then
        let entries = message.accounts[0].entries
        #expect(entries.map(\.status) == [.booked, .booked])
        #expect(entries.flatMap(\.transactions).map(\.amountCents) == [4_250, 4_250])
        let entry = "BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry"
        #expect(
            message.duplicates.map { [$0.reference, $0.place, $0.firstPlace] }
                == [["PAYMENT-0005", "\(entry)[2]/NtryDtls/TxDtls", "\(entry)/NtryDtls/TxDtls"]])
    }

    @Test(arguments: [
        ("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>"), ("<CdtDbtInd>DBIT", "<CdtDbtInd>CRDT"),
        ("<TxAmt><Amt Ccy=\"EUR\">42.50", "<TxAmt><Amt Ccy=\"EUR\">42.51"), ("PAYMENT-0005", "PAYMENT-0006"),
        ("<Sts>BOOK</Sts>", "<RvslInd>1</RvslInd><Sts>BOOK</Sts>"),
        ("</AmtDtls>", "</AmtDtls><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"),
    ])
    func transactionsThatDifferAreNoDuplicates(old: String, new: String) throws {
        let bytes = try Controls.golden("camt054-02.xml", replacing: old, by: new)
        #expect(try DebitCreditNotification(reading: bytes).duplicates.isEmpty)
    }

    @Test func entriesWithoutDetailsAreToldApartByTheBanksReference() throws {
        // given
        let entry = """
            <Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts>\
            <AcctSvcrRef>R-1</AcctSvcrRef></Ntry>
            """
        let other = entry.replacing("R-1", with: "R-2")
        for (second, count) in [(entry, 1), (other, 0)] {
            // when
            let bytes = try Controls.golden("camt054-08.xml", replacing: "</Ntfctn>", by: "\(entry)\(second)</Ntfctn>")
            let duplicates = try DebitCreditNotification(reading: bytes).duplicates
            // then
            #expect(duplicates.map(\.reference) == Array(repeating: "R-1", count: count))
        }
    }

    @Test(arguments: [
        ("<Amt Ccy=\"EUR\">310<", "<Amt Ccy=\"CHF\">310<", "Ntfctn/Ntry[2]/Amt: an amount in EUR is expected"),
        ("<Amt Ccy=\"EUR\">310<", "<Amt Ccy=\"EUR\">-310<", "Ntfctn/Ntry[2]/Amt: an amount of digits"),
        ("<Amt Ccy=\"EUR\">310<", "<Amt Ccy=\"EUR\">310.000<", "Ntfctn/Ntry[2]/Amt: an amount of digits"),
        ("<Amt Ccy=\"EUR\">310<", "<Amt Ccy=\"EUR\">92233720368547758.08<", "Ntry[2]/Amt: an amount of digits"),
        ("<Amt Ccy=\"EUR\">10.00", "<Amt Ccy=\"USD\">10.00", "TxDtls[2]/Amt: an amount in EUR is expected"),
        (">DBIT<", ">DEBT<", "Ntfctn/Ntry/CdtDbtInd: CRDT or DBIT is expected"),
        ("<Cd>PDNG</Cd>", "<Cd>LATE</Cd>", "Ntry[3]/Sts/Cd: BOOK, PDNG, FUTR or INFO is expected"),
        ("<Cd>PDNG</Cd>", "<Prtry>PDNG</Prtry>", "Ntry[3]/Sts: a code"),
        ("<RvslInd>true", "<RvslInd>yes", "Ntry[2]/RvslInd: true or false is expected"),
        ("<BookgDt><Dt>2026-11-25", "<BookgDt><Dt>2026-11-31", "Ntry/BookgDt/Dt: yyyy-MM-dd is expected"),
        ("<Dt>2026-11-25", "<Dt>2026-11-25T00:00:00", "Ntry/BookgDt/Dt: yyyy-MM-dd is expected"),
        ("2026-11-25T23", "2026-11-25 23", "Ntry[2]/BookgDt/DtTm: yyyy-MM-ddThh:mm:ss is expected"),
        ("<BookgDt><Dt>2026-11-25</Dt></BookgDt>", "", "Ntry/BookgDt: is missing"),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "", "Ntry/CdtDbtInd: is missing"),
        ("<IBAN>FR7630006000011234567890189", "<IBAN>FR7630006000011234567890188", "Acct/Id/IBAN: an IBAN in upper"),
        ("<IBAN>FR7630006000011234567890189</IBAN>", "<Othr><Id>1</Id></Othr>", "Acct/Id/IBAN: is missing"),
    ])
    func whatIsNotAsInTheSchemaIsRefusedByItsPlace(old: String, new: String, message: String) throws {
        let bytes = try Controls.golden("camt054-08.xml", replacing: old, by: new)
        let error = #expect(throws: BankMessagesError.self) { try DebitCreditNotification(reading: bytes) }
        let text = error.map { "\($0) \(String(reflecting: $0))" } ?? ""
        #expect(text.contains(message), "\(text)")
        #expect(!text.contains("FR76300060000112345678901"))
    }

    @Test(arguments: ["2026-11-25", "2026-11-25Z", "2026-11-25+01:00", " 2026-11-25\n"])
    func daysMayHaveAZone(text: String) throws {
        let bytes = try Controls.golden(
            "camt054-08.xml", replacing: "<BookgDt><Dt>2026-11-25<", by: "<BookgDt><Dt>\(text)<")
        let day = try DebitCreditNotification(reading: bytes).accounts[0].entries[0].bookingDay
        #expect(day == CalendarDay("2026-11-25"))
    }
}
