package import struct CofundingRules.CalendarDay
package import struct FoundationEssentials.Date

/// Whose account is debited or credited. Bank details may be a person's: never in events, logs or errors.
package struct AccountHolder: Sendable, Hashable {
    /// 1 to 70 characters after transliteration.
    package var name: String
    /// Electronic form: upper case without blanks.
    package var iban: String
    /// 8 or 11 characters. Banks of the euro payments area find it by the IBAN.
    package var bic: String?

    package init(name: String, iban: String, bic: String? = nil) {
        self.name = name
        self.iban = iban
        self.bic = bic
    }
}

/// One payment of an initiation.
package struct CreditTransfer: Sendable, Hashable {
    /// Comes to the creditor and back in every report. 1 to 35 characters of the SEPA set, unique in the message.
    package var endToEndID: String
    /// Between debtor and bank. As `endToEndID`, and may be equal to it.
    package var instructionID: String
    /// 1 to 99,999,999,999.
    package var amountCents: Int64
    package var creditor: AccountHolder
    /// What the creditor reads on the statement: 1 to 140 characters after transliteration.
    package var remittance: String

    package init(
        endToEndID: String, instructionID: String, amountCents: Int64, creditor: AccountHolder, remittance: String
    ) {
        self.endToEndID = endToEndID
        self.instructionID = instructionID
        self.amountCents = amountCents
        self.creditor = creditor
        self.remittance = remittance
    }
}

/// Orders to a bank, checked: a customer credit transfer initiation in euros that can be written.
///
/// One payment information block holds all transfers, executed on one day from one account, and its identification is
/// the message's own. Each is booked for itself, so that every entry on the account is one payment.
///
/// Sources: ISO 20022 `pain.001.001.09`; European Payments Council, SEPA credit transfer customer-to-PSP implementation
/// guidelines (EPC132-08): identifications, lengths, character set and the greatest amount are its.
package struct PaymentInitiation: Sendable, Equatable {
    /// Unique for the bank over all messages, which the caller sees to.
    package let messageID: String
    package let createdAt: Date
    package let requestedExecutionDay: CalendarDay
    /// Texts are in SEPA characters, here and below.
    package let debtor: AccountHolder
    package let transactions: [CreditTransfer]
    /// Sum of the transactions.
    package let controlSumCents: Int64

    package static let amountCentsMax: Int64 = 99_999_999_999
    /// Unless the caller sets another: a block that a person can look through, far below what banks take.
    package static let standardTransactionCountMax = 1_000
    /// Whatever the caller sets: sums stay far below the 18 digits of `CtrlSum`.
    package static let transactionCountCeiling = 100_000
    /// Years of four digits, in seconds since 1970. A range of `Date` would contain what is no number.
    private static let instantSeconds = 0...253_402_300_799.0

    /// - Parameter transactionCountMax: from 1 to `transactionCountCeiling`.
    /// - Throws: `invalidInput`, `characterNotAllowed` or `repeatedID` with the first field at fault, such as
    ///   `transactions/2/creditor/iban`. Nothing is written of a message with any fault.
    package init(
        messageID: String, createdAt: Date, requestedExecutionDay: CalendarDay, debtor: AccountHolder,
        transactions: [CreditTransfer], transactionCountMax: Int = standardTransactionCountMax
    ) throws(BankMessagesError) {
        try SEPAText.checkID(messageID, field: "messageID")
        guard Self.instantSeconds.contains(createdAt.timeIntervalSince1970) else {
            throw .invalidInput(field: "createdAt", expected: "an instant of the years 1970 to 9999")
        }
        let countMax = min(transactionCountMax, Self.transactionCountCeiling)
        guard transactions.count >= 1, transactions.count <= countMax else {
            throw .invalidInput(field: "transactions", expected: "1 to \(countMax) transactions")
        }
        self.messageID = messageID
        self.createdAt = createdAt
        self.requestedExecutionDay = requestedExecutionDay
        self.debtor = try debtor.checked(field: "debtor")
        var checked: [CreditTransfer] = []
        for (index, transaction) in transactions.enumerated() {
            checked.append(try transaction.checked(field: "transactions/\(index)"))
        }
        self.transactions = checked
        try Self.checkUnique(checked.map(\.endToEndID), name: "endToEndID")
        try Self.checkUnique(checked.map(\.instructionID), name: "instructionID")
        controlSumCents = checked.reduce(0) { $0 + $1.amountCents }
    }

    private static func checkUnique(_ ids: [String], name: String) throws(BankMessagesError) {
        var places: [String: Int] = [:]
        for (index, id) in ids.enumerated() {
            if let first = places.updateValue(index, forKey: id) {
                throw .repeatedID(field: "transactions/\(index)/\(name)", first: "transactions/\(first)/\(name)")
            }
        }
    }
}

extension AccountHolder {
    fileprivate func checked(field: String) throws(BankMessagesError) -> AccountHolder {
        guard AccountNumber.isValid(iban) else {
            throw .invalidInput(field: "\(field)/iban", expected: AccountNumber.expected)
        }
        if let bic, !BankIdentifier.isValid(bic) {
            throw .invalidInput(field: "\(field)/bic", expected: BankIdentifier.expected)
        }
        let name = try SEPAText.text(name, lengthMax: SEPAText.nameLengthMax, field: "\(field)/name")
        return AccountHolder(name: name, iban: iban, bic: bic)
    }
}

extension CreditTransfer {
    fileprivate func checked(field: String) throws(BankMessagesError) -> CreditTransfer {
        try SEPAText.checkID(endToEndID, field: "\(field)/endToEndID")
        try SEPAText.checkID(instructionID, field: "\(field)/instructionID")
        guard (1...PaymentInitiation.amountCentsMax).contains(amountCents) else {
            throw .invalidInput(
                field: "\(field)/amountCents", expected: "a whole number from 1 to \(PaymentInitiation.amountCentsMax)")
        }
        var checked = self
        checked.creditor = try creditor.checked(field: "\(field)/creditor")
        checked.remittance = try SEPAText.text(
            remittance, lengthMax: SEPAText.remittanceLengthMax, field: "\(field)/remittance")
        return checked
    }
}
