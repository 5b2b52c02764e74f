/// A status code of a bank's report. Lists of codes grow without a new version of the message: an unknown one is kept.
package struct PaymentStatus: Sendable, Hashable, CustomStringConvertible {
    /// 1 to 4 capital letters and digits.
    package let code: String

    /// What a payer may conclude from it.
    package enum Outcome: Sendable {
        /// The debtor's account is debited, or the creditor's credited: it is paid, until it is returned.
        case settled
        /// Accepted so far or waiting; a later report says more.
        case underWay
        /// Not executed, and never will be.
        case rejected
        /// Of a group or block: some are, some are not. Each transaction has its own.
        case partial
        case unknown
    }

    package var outcome: Outcome {
        switch code {
        case "ACSC", "ACCC": .settled
        case "RCVD", "ACTC", "ACFC", "ACCP", "ACSP", "ACWC", "ACWP", "PATC", "PDNG": .underWay
        case "RJCT", "CANC": .rejected
        case "PART": .partial
        default: .unknown
        }
    }

    package var description: String { code }
}

/// Why a payment has its status, or came back.
package struct PaymentReason: Sendable, Hashable {
    /// Of ISO 20022's external lists, such as `AC04` (account closed), or the bank's own; nil where it gives none.
    package let code: String?
    package let isProprietary: Bool
    /// For people, as the bank wrote it. It may name persons and accounts: never in events or logs.
    package let additionalInformation: [String]

    /// - Parameter node: an element with `Rsn` and `AddtlInf`, both optional.
    init(_ node: DocumentNode) throws(BankMessagesError) {
        let own = try node.optional("Rsn", "Prtry")
        if let listed = try node.optional("Rsn", "Cd") {
            if let own { throw .repeated(place: own.place) }
            code = try listed.code()
        } else {
            code = try own?.id()
        }
        isProprietary = own != nil
        var lines: [String] = []
        for line in node.children("AddtlInf") { lines.append(try line.text(lengthMax: 105)) }
        additionalInformation = lines
    }
}

extension DocumentNode {
    /// Every reason below it.
    func reasons(_ name: String) throws(BankMessagesError) -> [PaymentReason] {
        var reasons: [PaymentReason] = []
        for node in children(name) { reasons.append(try PaymentReason(node)) }
        return reasons
    }

    func status(_ name: String) throws(BankMessagesError) -> PaymentStatus? {
        guard let node = try optional(name) else { return nil }
        return PaymentStatus(code: try node.code())
    }
}
