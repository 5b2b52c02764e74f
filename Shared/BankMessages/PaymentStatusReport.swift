/// What a bank says of an initiation it got: a customer payment status report.
///
/// A bank may answer for the message alone (`groupStatus`), for its block, or for each transaction; where it rejects
/// the whole, no transaction is named.
///
/// Source: ISO 20022 `pain.002.001.10`, and `.03`, which banks still send; what is read here is alike in both.
package struct PaymentStatusReport: Sendable, Equatable {
    package let messageID: String
    /// Of the initiation it answers.
    package let originalMessageID: String
    package let groupStatus: PaymentStatus?
    package let groupReasons: [PaymentReason]
    package let blocks: [BlockStatus]
    /// Transactions of one end-to-end identification that stand in it twice.
    package let duplicates: [DuplicateTransaction]

    /// Of all blocks.
    package var transactions: [TransactionStatus] { blocks.flatMap(\.transactions) }

    static let namespaces = ["10", "03"].map { "urn:iso:std:iso:20022:tech:xsd:pain.002.001.\($0)" }

    /// - Throws: any case of `BankMessagesError` that concerns reading.
    package init(
        reading bytes: [UInt8], byteCountMax: Int = MessageLimits.standardByteCount
    ) throws(BankMessagesError) {
        let report = try DocumentNode.open(
            "CstmrPmtStsRpt", of: Self.namespaces, in: bytes, byteCountMax: byteCountMax)
        messageID = try report.required("GrpHdr", "MsgId").id()
        let group = try report.required("OrgnlGrpInfAndSts")
        originalMessageID = try group.required("OrgnlMsgId").id()
        groupStatus = try group.status("GrpSts")
        groupReasons = try group.reasons("StsRsnInf")
        var blocks: [BlockStatus] = []
        var keys: [(key: String, reference: String, node: DocumentNode)] = []
        for node in report.children("OrgnlPmtInfAndSts") {
            let block = try BlockStatus(node, groupStatus: groupStatus)
            keys += zip(block.transactions, node.children("TxInfAndSts")).map {
                ($0.originalEndToEndID, $0.originalEndToEndID, $1)
            }
            blocks.append(block)
        }
        self.blocks = blocks
        duplicates = DuplicateTransaction.find(in: keys)
    }
}

/// What a bank says of a payment information block.
package struct BlockStatus: Sendable, Equatable {
    package let originalID: String
    package let status: PaymentStatus?
    package let reasons: [PaymentReason]
    package let transactions: [TransactionStatus]

    fileprivate init(_ node: DocumentNode, groupStatus: PaymentStatus?) throws(BankMessagesError) {
        originalID = try node.required("OrgnlPmtInfId").id()
        status = try node.status("PmtInfSts")
        reasons = try node.reasons("StsRsnInf")
        var transactions: [TransactionStatus] = []
        for transaction in node.children("TxInfAndSts") {
            transactions.append(try TransactionStatus(transaction, blockStatus: status ?? groupStatus))
        }
        self.transactions = transactions
    }
}

/// What a bank says of one transaction.
package struct TransactionStatus: Sendable, Equatable {
    package let originalEndToEndID: String
    package let originalInstructionID: String?
    /// Its own, or where it has none that of its block or group.
    package let status: PaymentStatus
    package let reasons: [PaymentReason]
    /// The instructed amount, where the bank repeats it.
    package let amountCents: Int64?

    fileprivate init(_ node: DocumentNode, blockStatus: PaymentStatus?) throws(BankMessagesError) {
        originalEndToEndID = try node.required("OrgnlEndToEndId").id()
        originalInstructionID = try node.optional("OrgnlInstrId")?.id()
        // That some of a block are rejected says nothing of this one.
        let inherited = blockStatus?.outcome == .partial ? nil : blockStatus
        guard let status = try node.status("TxSts") ?? inherited else {
            throw .missing(place: node.place(of: "TxSts"))
        }
        self.status = status
        reasons = try node.reasons("StsRsnInf")
        amountCents = try node.optional("OrgnlTxRef", "Amt", "InstdAmt")?.cents()
    }
}
