import struct CofundingRules.CalendarDay
import struct FoundationEssentials.Date

extension PaymentInitiation {
    static let namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

    /// The message in UTF-8. Equal initiations give equal bytes, so that a message may be sent again as it was.
    package func xml() -> [UInt8] {
        var writer = XMLWriter()
        writer.element("Document", ("xmlns", Self.namespace)) { writer in
            writer.element("CstmrCdtTrfInitn") { writer in
                writer.element("GrpHdr", nil, header)
                writer.element("PmtInf", nil, block)
            }
        }
        return writer.bytes
    }

    private func header(_ writer: inout XMLWriter) {
        writer.element("MsgId", text: messageID)
        writer.element("CreDtTm", text: createdAt.formatted(.iso8601))
        totals(&writer)
        writer.element("InitgPty") { $0.element("Nm", text: debtor.name) }
    }

    private func totals(_ writer: inout XMLWriter) {
        writer.element("NbOfTxs", text: String(transactions.count))
        writer.element("CtrlSum", text: Cents.decimal(controlSumCents))
    }

    private func block(_ writer: inout XMLWriter) {
        writer.element("PmtInfId", text: messageID)
        writer.element("PmtMtd", text: "TRF")
        writer.element("BtchBookg", text: "false")
        totals(&writer)
        writer.element("PmtTpInf") { writer in writer.element("SvcLvl") { $0.element("Cd", text: "SEPA") } }
        writer.element("ReqdExctnDt") { $0.element("Dt", text: requestedExecutionDay.description) }
        writer.element("Dbtr") { $0.element("Nm", text: debtor.name) }
        writer.account("DbtrAcct", debtor)
        writer.element("DbtrAgt") { writer in
            writer.element("FinInstnId") { writer in
                if let bic = debtor.bic {
                    writer.element("BICFI", text: bic)
                } else {
                    // The debtor's bank must stand in the message: this is how the guidelines leave it to the IBAN.
                    writer.element("Othr") { $0.element("Id", text: SEPAText.noID) }
                }
            }
        }
        writer.element("ChrgBr", text: "SLEV")
        for transaction in transactions { writer.element("CdtTrfTxInf", nil, transaction.write) }
    }
}

extension CreditTransfer {
    fileprivate func write(_ writer: inout XMLWriter) {
        writer.element("PmtId") { writer in
            writer.element("InstrId", text: instructionID)
            writer.element("EndToEndId", text: endToEndID)
        }
        writer.element("Amt") { $0.element("InstdAmt", ("Ccy", "EUR"), text: Cents.decimal(amountCents)) }
        if let bic = creditor.bic {
            writer.element("CdtrAgt") { writer in writer.element("FinInstnId") { $0.element("BICFI", text: bic) } }
        }
        writer.element("Cdtr") { $0.element("Nm", text: creditor.name) }
        writer.account("CdtrAcct", creditor)
        writer.element("RmtInf") { $0.element("Ustrd", text: remittance) }
    }
}

extension XMLWriter {
    fileprivate mutating func account(_ name: String, _ holder: AccountHolder) {
        element(name) { writer in writer.element("Id") { $0.element("IBAN", text: holder.iban) } }
    }
}
