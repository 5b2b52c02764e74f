import BankMessages
import CofundingRules
import Foundation
import Testing

/// Sensible messages, for tests to change one thing of.
enum Controls {
    static let frenchIBAN = "FR1420041010050500013M02606"
    static let germanIBAN = "DE89370400440532013000"
    static let belgianIBAN = "BE68539007547034"
    static let bankIBAN = "FR7630006000011234567890189"

    static func initiation(
        messageID: String = "MAILLAGE-20261123-001", createdAt: Date = Date(timeIntervalSince1970: 1_795_417_200.9),
        debtor: AccountHolder = debtor, transactions: [CreditTransfer] = transactions,
        transactionCountMax: Int = PaymentInitiation.standardTransactionCountMax
    ) throws -> PaymentInitiation {
        let day = try #require(CalendarDay("2026-11-25"))
        return try PaymentInitiation(
            messageID: messageID, createdAt: createdAt, requestedExecutionDay: day, debtor: debtor,
            transactions: transactions, transactionCountMax: transactionCountMax)
    }

    static let debtor = AccountHolder(name: "Caisse des tiers-lieux", iban: bankIBAN, bic: "AGRIFRPPXXX")

    /// Of an everyday amount, the smallest and the greatest; with BIC and without.
    static let transactions = [
        transfer(),
        CreditTransfer(
            endToEndID: "PAYMENT-0002", instructionID: "TRANCHE/0002", amountCents: 1,
            creditor: AccountHolder(name: "Œuvre « Saint-Élie » & Straße", iban: germanIBAN, bic: "COBADEFF"),
            remittance: "Tranche 2 : résultats n° 12…"),
        CreditTransfer(
            endToEndID: "PAYMENT-0003", instructionID: "PAYMENT-0003", amountCents: 99_999_999_999,
            creditor: AccountHolder(name: "Lab (UZ) Leuven, 'Zorg' +", iban: belgianIBAN),
            remittance: "?:().,'+-/ 0123456789"),
    ]

    static func transfer(
        endToEndID: String = "PAYMENT-0001", instructionID: String = "TRANCHE-0001", amountCents: Int64 = 12_375_050,
        creditor: AccountHolder = creditor(), remittance: String = "TLE tranche 1"
    ) -> CreditTransfer {
        CreditTransfer(
            endToEndID: endToEndID, instructionID: instructionID, amountCents: amountCents, creditor: creditor,
            remittance: remittance)
    }

    static func creditor(
        name: String = "Association L'Établi", iban: String = frenchIBAN, bic: String? = nil
    ) -> AccountHolder {
        AccountHolder(name: name, iban: iban, bic: bic)
    }

    // MARK: Golden files

    static let readable = ["pain002-10.xml", "pain002-03.xml", "camt054-08.xml", "camt054-02.xml"]

    static func golden(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: folder.appending(path: "Resources/bank/\(name)")))
    }

    /// A golden file in which a text that stands there is another.
    static func golden(_ name: String, replacing old: String, by new: String) throws -> [UInt8] {
        let text = String(decoding: try golden(name), as: UTF8.self)
        try #require(text.contains(old), "\(old) does not stand in \(name)")
        return Array(text.replacing(old, with: new, maxReplacements: 1).utf8)
    }
}

/// SplitMix64: the same sequence on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
