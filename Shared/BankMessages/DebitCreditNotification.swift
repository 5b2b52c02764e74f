package import struct CofundingRules.CalendarDay

/// What a bank has booked or is about to book: a debit and credit notification.
///
/// Source: ISO 20022 `camt.054.001.08`, and `.02`, which banks still send: there the status is a text, and the amount
/// of a transaction stands in its amount details alone.
package struct DebitCreditNotification: Sendable, Equatable {
    package let messageID: String
    package let accounts: [AccountNotification]
    /// Transactions of the same account, status, direction, amount and end-to-end identification (or bank reference,
    /// where they have none) that stand in it twice.
    package let duplicates: [DuplicateTransaction]

    static let namespaces = ["08", "02"].map { "urn:iso:std:iso:20022:tech:xsd:camt.054.001.\($0)" }

    /// - Throws: any case of `BankMessagesError` that concerns reading.
    package init(
        reading bytes: [UInt8], byteCountMax: Int = MessageLimits.standardByteCount
    ) throws(BankMessagesError) {
        let message = try DocumentNode.open(
            "BkToCstmrDbtCdtNtfctn", of: Self.namespaces, in: bytes, byteCountMax: byteCountMax)
        messageID = try message.required("GrpHdr", "MsgId").id()
        var accounts: [AccountNotification] = []
        var keys: [(key: TransactionKey, reference: String, node: DocumentNode)] = []
        for node in message.children("Ntfctn") {
            let account = try AccountNotification(node)
            accounts.append(account)
            for (entry, entryNode) in zip(account.entries, node.children("Ntry")) {
                keys += account.keys(of: entry, in: entryNode)
            }
        }
        guard !accounts.isEmpty else { throw .missing(place: message.place(of: "Ntfctn")) }
        self.accounts = accounts
        duplicates = DuplicateTransaction.find(in: keys)
    }
}

/// The entries of one account.
package struct AccountNotification: Sendable, Equatable {
    package let id: String
    /// Electronic form, its check digits fit. Never in events, logs or errors.
    package let accountIBAN: String
    package let entries: [NotifiedEntry]

    fileprivate init(_ node: DocumentNode) throws(BankMessagesError) {
        id = try node.required("Id").id()
        accountIBAN = try node.required("Acct", "Id", "IBAN").iban()
        var entries: [NotifiedEntry] = []
        for entry in node.children("Ntry") { entries.append(try NotifiedEntry(entry)) }
        self.entries = entries
    }
}

package enum EntryDirection: String, Sendable {
    case credit = "CRDT"
    case debit = "DBIT"
}

package enum EntryStatus: String, Sendable {
    case booked = "BOOK"
    /// Expected, and may still not come.
    case pending = "PDNG"
    case future = "FUTR"
    /// Told, never booked.
    case information = "INFO"
}

/// One entry on an account. Amounts have no sign: `direction` is as booked, also of a reversal.
package struct NotifiedEntry: Sendable, Equatable {
    /// From 0.
    package let amountCents: Int64
    package let direction: EntryDirection
    /// Whether it takes an earlier entry back (`RvslInd`).
    package let isReversal: Bool
    package let status: EntryStatus
    /// Of every booked entry.
    package let bookingDay: CalendarDay?
    /// The bank's own (`AcctSvcrRef`).
    package let bankReference: String?
    /// Empty where the bank gives no details.
    package let transactions: [NotifiedTransaction]

    fileprivate init(_ node: DocumentNode) throws(BankMessagesError) {
        amountCents = try node.required("Amt").cents()
        direction = try node.required("CdtDbtInd").direction()
        isReversal = try node.optional("RvslInd")?.flag() ?? false
        status = try node.required("Sts").entryStatus()
        if status == .booked {
            bookingDay = try node.required("BookgDt").day()
        } else {
            bookingDay = try node.optional("BookgDt")?.day()
        }
        bankReference = try node.optional("AcctSvcrRef")?.id()
        var transactions: [NotifiedTransaction] = []
        for details in node.transactionDetails {
            transactions.append(try NotifiedTransaction(details, direction: direction))
        }
        self.transactions = transactions
    }
}

/// One transaction of an entry.
package struct NotifiedTransaction: Sendable, Equatable {
    /// nil where the payer gave none (`NOTPROVIDED`).
    package let endToEndID: String?
    package let instructionID: String?
    /// The bank's own for this transaction, where the entry holds several.
    package let bankReference: String?
    /// Its own amount, or that of its amount details; nil where it has neither, which a bank may leave out of an entry
    /// of one transaction.
    package let amountCents: Int64?
    /// Its own, or the entry's.
    package let direction: EntryDirection
    /// Why it came back (`RtrInf`), of a returned payment.
    package let returnReason: PaymentReason?

    fileprivate init(_ node: DocumentNode, direction: EntryDirection) throws(BankMessagesError) {
        let id = try node.optional("Refs", "EndToEndId")?.id()
        endToEndID = id == SEPAText.noID ? nil : id
        instructionID = try node.optional("Refs", "InstrId")?.id()
        bankReference = try node.optional("Refs", "AcctSvcrRef")?.id()
        if let amount = try node.optional("Amt") {
            amountCents = try amount.cents()
        } else {
            amountCents = try node.optional("AmtDtls", "TxAmt", "Amt")?.cents()
        }
        self.direction = try node.optional("CdtDbtInd")?.direction() ?? direction
        returnReason = try node.optional("RtrInf").map { node throws(BankMessagesError) in try PaymentReason(node) }
    }
}

/// What two transactions have in common that are one.
private struct TransactionKey: Hashable {
    let accountIBAN: String
    let status: EntryStatus
    let direction: EntryDirection
    let isReversal: Bool
    let isReturn: Bool
    let amountCents: Int64?
    /// An end-to-end identification may look like a bank's reference.
    let isEndToEnd: Bool
    let reference: String
}

extension AccountNotification {
    /// Keys of an entry's transactions, or its own where it has no details; none for what nothing identifies.
    fileprivate func keys(
        of entry: NotifiedEntry, in node: DocumentNode
    ) -> [(key: TransactionKey, reference: String, node: DocumentNode)] {
        guard !entry.transactions.isEmpty else {
            return key(of: nil, in: entry).map { [($0, $0.reference, node)] } ?? []
        }
        return zip(entry.transactions, node.transactionDetails).compactMap { transaction, node in
            key(of: transaction, in: entry).map { ($0, $0.reference, node) }
        }
    }

    private func key(of transaction: NotifiedTransaction?, in entry: NotifiedEntry) -> TransactionKey? {
        let isOnly = entry.transactions.count <= 1
        let bankReference = transaction?.bankReference ?? (isOnly ? entry.bankReference : nil)
        guard let reference = transaction?.endToEndID ?? bankReference else { return nil }
        return TransactionKey(
            accountIBAN: accountIBAN, status: entry.status, direction: transaction?.direction ?? entry.direction,
            isReversal: entry.isReversal, isReturn: transaction?.returnReason != nil,
            amountCents: transaction?.amountCents ?? (isOnly ? entry.amountCents : nil),
            isEndToEnd: transaction?.endToEndID != nil, reference: reference)
    }
}

extension DocumentNode {
    fileprivate var transactionDetails: [DocumentNode] { children("NtryDtls").flatMap { $0.children("TxDtls") } }

    fileprivate func direction() throws(BankMessagesError) -> EntryDirection {
        guard let direction = EntryDirection(rawValue: try code()) else {
            throw .invalidValue(place: place, expected: "CRDT or DBIT")
        }
        return direction
    }

    /// A code below it, or in the older version its own text.
    fileprivate func entryStatus() throws(BankMessagesError) -> EntryStatus {
        let node = try optional("Cd") ?? self
        guard let status = EntryStatus(rawValue: try node.code()) else {
            throw .invalidValue(place: node.place, expected: "BOOK, PDNG, FUTR or INFO")
        }
        return status
    }
}
