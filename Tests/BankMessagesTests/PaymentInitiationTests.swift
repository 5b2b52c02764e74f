import BankMessages
import Foundation
import Testing

@Suite struct PaymentInitiationTests {
    /// test_bank_messages.py validates the same file against the schema of ISO 20022.
    @Test func initiationIsWrittenAsInTheGoldenFile() throws {
        let written = try Controls.initiation().xml()
        #expect(
            String(decoding: written, as: UTF8.self)
                == String(decoding: try Controls.golden("pain001.xml"), as: UTF8.self))
    }

    @Test func equalInitiationsAreEqualBytes() throws {
        #expect(try Controls.initiation().xml() == Controls.initiation().xml())
    }

    @Test func controlSumAndCountAreThoseOfTheTransactionsInBothPlaces() throws {
        // given
        let transactions = (1...40).map { number in
            Controls.transfer(
                endToEndID: "E\(number)", instructionID: "I\(number)", amountCents: 99_999_999_999 - Int64(number))
        }
        // when
        let initiation = try Controls.initiation(transactions: transactions)
        let text = String(decoding: initiation.xml(), as: UTF8.self)
        // then
        #expect(initiation.controlSumCents == 40 * 99_999_999_999 - 820)
        #expect(text.ranges(of: "<CtrlSum>39999999991.40</CtrlSum>").count == 2)
        #expect(text.ranges(of: "<NbOfTxs>40</NbOfTxs>").count == 2)
        #expect(text.ranges(of: "<CdtTrfTxInf>").count == 40)
    }

    @Test func debtorWithoutBICIsFoundByItsIBAN() throws {
        let debtor = AccountHolder(name: "Caisse", iban: Controls.bankIBAN)
        let text = String(decoding: try Controls.initiation(debtor: debtor).xml(), as: UTF8.self)
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined()
        #expect(lines.contains("<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"))
    }

    // MARK: Identifications

    @Test(arguments: [
        "", "/A", "A/", "A//B", " A", "A ", "NOTPROVIDED", "É1", "A_1", "A\n1", "A&1",
        String(repeating: "A", count: 36),
    ])
    func identificationsThatBanksWouldChangeAreRefused(id: String) {
        let expected = "1 to 35 characters of"
        for (field, attempt) in Self.withID(id) {
            let error = #expect(throws: BankMessagesError.self) { try attempt() }
            guard case .invalidInput(let found, let mend) = error else {
                Issue.record("\(field): \(String(describing: error))")
                continue
            }
            #expect(found == field && mend.hasPrefix(expected))
        }
    }

    @Test(arguments: ["A", "a/b", "A-1?:().,'+ Z", String(repeating: "z", count: 35)])
    func identificationsOfTheSEPASetAreTaken(id: String) throws {
        for (_, attempt) in Self.withID(id) { try attempt() }
    }

    private static func withID(_ id: String) -> [(String, () throws -> Void)] {
        let first = Controls.transactions[0]
        return [
            ("messageID", { _ = try Controls.initiation(messageID: id) }),
            (
                "transactions/1/endToEndID",
                {
                    _ = try Controls.initiation(transactions: [
                        first, Controls.transfer(endToEndID: id, instructionID: "I"),
                    ])
                }
            ),
            (
                "transactions/1/instructionID",
                {
                    _ = try Controls.initiation(transactions: [
                        first, Controls.transfer(endToEndID: "E", instructionID: id),
                    ])
                }
            ),
        ]
    }

    @Test func identificationsAreUniqueInTheMessage() {
        let transfers = [
            Controls.transfer(endToEndID: "E0", instructionID: "I0"),
            Controls.transfer(endToEndID: "E1", instructionID: "I1"),
        ]
        #expect(
            throws: BankMessagesError.repeatedID(field: "transactions/2/endToEndID", first: "transactions/0/endToEndID")
        ) {
            try Controls.initiation(
                transactions: transfers + [Controls.transfer(endToEndID: "E0", instructionID: "I2")])
        }
        #expect(
            throws: BankMessagesError.repeatedID(
                field: "transactions/2/instructionID", first: "transactions/1/instructionID")
        ) {
            try Controls.initiation(
                transactions: transfers + [Controls.transfer(endToEndID: "E2", instructionID: "I1")])
        }
    }

    // MARK: Limits

    @Test(arguments: [0, -1, 100_000_000_000, Int64.max, Int64.min])
    func amountsOutsideOfTheSchemeAreRefused(cents: Int64) {
        #expect(
            throws: BankMessagesError.invalidInput(
                field: "transactions/0/amountCents", expected: "a whole number from 1 to 99999999999")
        ) { try Controls.initiation(transactions: [Controls.transfer(amountCents: cents)]) }
    }

    @Test func messageHasOneTransactionAndNoMoreThanTheCallerAllows() throws {
        let three = Controls.transactions
        #expect(throws: BankMessagesError.invalidInput(field: "transactions", expected: "1 to 1000 transactions")) {
            try Controls.initiation(transactions: [])
        }
        #expect(throws: BankMessagesError.invalidInput(field: "transactions", expected: "1 to 2 transactions")) {
            try Controls.initiation(transactions: three, transactionCountMax: 2)
        }
        _ = try Controls.initiation(transactions: three, transactionCountMax: 3)
        #expect(throws: BankMessagesError.invalidInput(field: "transactions", expected: "1 to 100000 transactions")) {
            try Controls.initiation(
                transactions: Array(repeating: three[0], count: 100_001), transactionCountMax: .max)
        }
    }

    @Test(arguments: [-1, 253_402_300_800, Double.infinity, Double.nan])
    func instantsWithoutFourDigitsOfAYearAreRefused(seconds: Double) {
        #expect(throws: BankMessagesError.self) {
            // Without its value: printing such an instant traps.
            _ = try Controls.initiation(createdAt: Date(timeIntervalSince1970: seconds))
        }
    }

    @Test func namesAndTextsHaveTheirLengthAfterTransliteration() throws {
        // given
        let longest = [("Œ", 35), ("é", 70)].map { String(repeating: $0.0, count: $0.1) }
        for name in longest {
            // when
            _ = try Controls.initiation(transactions: [Controls.transfer(creditor: Controls.creditor(name: name))])
            // then
            let error = #expect(throws: BankMessagesError.self) {
                try Controls.initiation(
                    transactions: [Controls.transfer(creditor: Controls.creditor(name: name + "a"))])
            }
            #expect(error?.description.hasPrefix("transactions/0/creditor/name: 1 to 70 characters") == true)
        }
        let remittance = String(repeating: "r", count: 140)
        _ = try Controls.initiation(transactions: [Controls.transfer(remittance: remittance)])
        for text in [remittance + "r", "", "   "] {
            let error = #expect(throws: BankMessagesError.self) {
                try Controls.initiation(transactions: [Controls.transfer(remittance: text)])
            }
            #expect(error?.description.hasPrefix("transactions/0/remittance: 1 to 140 characters") == true)
        }
        #expect(throws: BankMessagesError.self) {
            try Controls.initiation(debtor: AccountHolder(name: " ", iban: Controls.bankIBAN))
        }
    }

    // MARK: Accounts

    @Test(arguments: [
        "FR1420041010050500013M02607", "fr1420041010050500013M02606", "FR14 2004 1010 0505 0001 3M02 606", "", "FR14",
        "1420041010050500013M02606FR", "FRA420041010050500013M02606", "FR1420041010050500013M0260É",
        "DE89370400440532013000DE89370400440532013000", "XX361234567890", "XX651111111111111111111111111111111",
    ])
    func ibansAreCheckedAndNeverNamed(iban: String) {
        let holder = AccountHolder(name: "Someone", iban: iban)
        for (field, attempt) in [
            ("debtor/iban", { try Controls.initiation(debtor: holder) }),
            (
                "transactions/0/creditor/iban",
                { try Controls.initiation(transactions: [Controls.transfer(creditor: holder)]) }
            ),
        ] {
            let error = #expect(throws: BankMessagesError.self) { try attempt() }
            let text = error.map { "\($0) \(String(reflecting: $0))" } ?? ""
            #expect(text.hasPrefix("\(field): an IBAN in upper case"))
            #expect(iban.isEmpty || !text.contains(iban))
        }
    }

    @Test(arguments: ["XX0812345678901", "XX32111111111111111111111111111111", Controls.belgianIBAN])
    func ibansOfAnyCountryAreTaken(iban: String) throws {
        let written = try Controls.initiation(debtor: AccountHolder(name: "Someone", iban: iban)).xml()
        #expect(String(decoding: written, as: UTF8.self).contains("<IBAN>\(iban)</IBAN>"))
    }

    @Test(arguments: ["AGRIFRP", "AGRIFRPPX", "agrifrpp", "AGRI1RPP", "AGRIFRPPXX", "ÉGRIFRP", ""])
    func businessIdentifierCodesHaveTheirForm(bic: String) {
        let holder = Controls.creditor(bic: bic)
        #expect(
            throws: BankMessagesError.invalidInput(
                field: "transactions/0/creditor/bic", expected: "a BIC of 8 or 11 capital letters and digits, or none")
        ) { try Controls.initiation(transactions: [Controls.transfer(creditor: holder)]) }
    }

    // MARK: Characters

    @Test(arguments: [
        ("中", "U+4E2D CJK UNIFIED IDEOGRAPH-4E2D"), ("!", "U+0021 EXCLAMATION MARK"), ("\n", "U+000A"),
        ("<", "U+003C LESS-THAN SIGN"),
        ("\u{0}", "U+0000"),
        ("👩‍⚕️", "U+1F469 WOMAN, U+200D ZERO WIDTH JOINER, U+2695 STAFF OF AESCULAPIUS, U+FE0F VARIATION SELECTOR-16"),
        ("\u{202E}", "U+202E RIGHT-TO-LEFT OVERRIDE"), ("\r\n", "U+000D, U+000A"),
    ])
    func charactersWithoutTransliterationAreRefusedByTheirCode(character: String, code: String) {
        #expect(
            throws: BankMessagesError.characterNotAllowed(field: "transactions/0/remittance", character: code)
        ) { try Controls.initiation(transactions: [Controls.transfer(remittance: "Tranche \(character) 1")]) }
        #expect(throws: BankMessagesError.characterNotAllowed(field: "debtor/name", character: code)) {
            try Controls.initiation(debtor: AccountHolder(name: "A\(character)", iban: Controls.bankIBAN))
        }
    }
}
