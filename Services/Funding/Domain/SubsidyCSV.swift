import CofundingRules
import Identifiers

/// The file of the essential data: the format's header, then a line for each beneficiary of each agreement.
///
/// UTF-8 without a byte order mark, commas, points before decimals, line feeds, quotation marks only where RFC 4180
/// needs them: the form of the example in etalab/format-subventions. Nothing is put before a text against spreadsheets:
/// a text that one would run is a fault of its row (`PublishedText`) and never comes here.
package enum SubsidyCSV {
    /// `text/csv` as its standard has it.
    package static let contentType = "text/csv; charset=utf-8; header=present"

    package static func text(_ records: some Sequence<SubsidyRecord>) -> String {
        CSVTable.text(header: SubsidyField.header, rows: records.lazy.map(fields))
    }

    /// - Returns: the rows of a file that `text` wrote.
    package static func records(of bytes: [UInt8]) throws(CSVError) -> [SubsidyRecord] {
        var records: [SubsidyRecord] = []
        for (index, row) in try CSVTable.rows(of: bytes, header: SubsidyField.header).enumerated() {
            records.append(try record(row, line: index + 2))
        }
        return records
    }

    private static func fields(of record: SubsidyRecord) -> [String] {
        SubsidyField.allCases.map { field in
            switch field {
            case .funderName: record.funderName
            case .funder: record.funder.digits
            case .signedOn: record.signedOn.description
            case .reference: record.reference
            case .beneficiaryName: record.beneficiaryName
            case .beneficiary: record.beneficiary.digits
            case .object: record.object
            case .amount: EuroText.text(record.amountCents)
            case .natures: naturesText(record.natures)
            case .conditions: record.conditions.text
            case .period: record.period.text
            case .aidID: record.aidID ?? ""
            case .isDeMinimis: record.isDeMinimis ? "oui" : "non"
            case .share: record.share.text
            }
        }
    }

    private static func naturesText(_ natures: Set<SubsidyNature>) -> String {
        SubsidyNature.allCases.filter(natures.contains).map(\.rawValue).joined(separator: ";")
    }

    private static func record(_ row: [String], line: Int) throws(CSVError) -> SubsidyRecord {
        var draft = SubsidyDraft()
        for (field, text) in zip(SubsidyField.allCases, row) { read(text, as: field, into: &draft) }
        guard let record = SubsidyRecord(draft) else {
            let fault = draft.faults.first
            throw CSVError(
                line: line, problem: .value(column: fault?.field.rawValue ?? "", mend: fault?.mend ?? ""))
        }
        // What was read in another form than it is written in, such as an amount without decimals, is missing by now;
        // this finds what a column takes in several forms.
        let written = fields(of: record)
        for (field, (text, again)) in zip(SubsidyField.allCases, zip(row, written))
        where !text.utf8.elementsEqual(again.utf8) {
            throw CSVError(line: line, problem: .value(column: field.rawValue, mend: "write \(again)"))
        }
        return record
    }

    private static func read(_ text: String, as field: SubsidyField, into draft: inout SubsidyDraft) {
        switch field {
        case .funderName: draft.funderName = text
        case .funder: draft.funder = text
        case .signedOn: draft.signedOn = CalendarDay(text)
        case .reference: draft.reference = text
        case .beneficiaryName: draft.beneficiaryName = text
        case .beneficiary: draft.beneficiary = text
        case .object: draft.object = text
        case .amount: draft.amountCents = EuroText.cents(text)
        case .natures:
            let natures = text.split(separator: ";").map { SubsidyNature(rawValue: String($0)) }
            draft.natures = natures.contains(nil) ? [] : Set(natures.compactMap(\.self))
        case .conditions: draft.conditions = text.isEmpty ? nil : PaymentConditions(text: text)
        case .period: draft.period = PaymentPeriod(text: text)
        case .aidID: draft.aidID = text.isEmpty ? nil : text
        case .isDeMinimis: draft.isDeMinimis = ["oui": true, "non": false][text]
        case .share: draft.share = SubsidyShare(text: text)
        }
    }
}
