/// In both languages of the programme.
package struct ImportWords: Sendable, Equatable {
    package let french: String
    package let english: String

    package init(_ french: String, _ english: String) {
        self.french = french
        self.english = english
    }
}

/// What kind of thing stands in a cell, for whoever may not be shown the thing.
package enum ValueClass: String, Sendable {
    case empty
    case wholeNumber = "whole-number"
    case decimalNumber = "decimal-number"
    case date
    case uuid
    /// Something that names a person: a national identifier, a telephone number, an address.
    case identifier
    case text
    /// Bytes that are none of the charset's.
    case undecodable

    package init(of text: String) {
        let bytes = Array(text.trimmed.utf8)
        let digits = bytes.count { (0x30...0x39).contains($0) }
        let others = Set(bytes.filter { !(0x30...0x39).contains($0) })
        if bytes.isEmpty {
            self = .empty
        } else if IdentifierMask.holdsRegisterNumber(text) || IdentifierMask.mask(text) != text {
            self = .identifier
        } else if Int(text.trimmed) != nil {
            self = .wholeNumber
        } else if others.isSubset(of: Array(".,+-".utf8)), others.count == 1, digits > 0, bytes.count == digits + 1 {
            self = .decimalNumber
        } else if others.isSubset(of: Array("/-.: TZ+".utf8)), (6...14).contains(digits) {
            self = .date
        } else if bytes.count == 36, bytes.count(where: { $0 == UInt8(ascii: "-") }) == 4, digits > 0 {
            self = .uuid
        } else {
            self = .text
        }
    }
}

/// What is wrong with a line; never the value.
package struct ImportFault: Sendable, Equatable {
    /// As the mapping names it; nil where no single column is at fault.
    package let column: String?
    package let valueClass: ValueClass?
    /// What its receipt says.
    package let refusal: Refusal
    package let mend: ImportWords

    package init(column: String? = nil, valueClass: ValueClass? = nil, refusal: Refusal, mend: ImportWords) {
        self.column = column
        self.valueClass = valueClass
        self.refusal = refusal
        self.mend = mend
    }

    /// A fault that the line alone shows.
    /// - Parameter field: JSON pointer into the event that the line would have become.
    init(_ reason: Refusal.Reason, at field: String? = nil, column: String?, cell: String?, _ mend: ImportWords) {
        self.init(
            column: column, valueClass: cell.map { ValueClass(of: $0) },
            refusal: Refusal(reason, at: field, mend: mend.english), mend: mend)
    }
}

/// Why a whole file cannot be read.
package struct ImportRejection: Error, Sendable, Equatable {
    /// Stable, for programs.
    package enum Reason: String, Sendable, CaseIterable {
        case empty
        case notText = "not-text"
        case columnMissing = "column-missing"
        case columnRepeated = "column-repeated"
        case quoteNotClosed = "quote-not-closed"
        case lineTooLong = "line-too-long"
    }

    package let reason: Reason
    package let line: Int
    package let mend: ImportWords

    private init(_ reason: Reason, line: Int = 1, _ mend: ImportWords) {
        self.reason = reason
        self.line = line
        self.mend = mend
    }

    static let empty = ImportRejection(
        .empty, ImportWords("le fichier n’a pas de ligne d’en-tête", "the file has no line of headings"))

    static let notText = ImportRejection(
        .notText,
        ImportWords(
            "l’en-tête ne se lit pas dans l’encodage annoncé ; enregistrez en « CSV UTF-8 » ou annoncez "
                + "charset=windows-1252",
            "the headings cannot be read in the charset that was told; save as “CSV UTF-8”, or tell "
                + "charset=windows-1252"))

    /// Names of the mapping's: what stands in the file may be no headings at all.
    static func missing(_ columns: [String]) -> ImportRejection {
        let names = columns.prefix(20).joined(separator: ", ")
        return ImportRejection(
            .columnMissing,
            ImportWords(
                "la première ligne doit nommer ces colonnes de la correspondance : \(names)",
                "the first line has to name these columns of the mapping: \(names)"))
    }

    static func repeated(_ column: String) -> ImportRejection {
        ImportRejection(
            .columnRepeated,
            ImportWords("la colonne \(column) est là deux fois", "the column \(column) is there twice"))
    }

    package init(_ broken: CSVBreak) {
        switch broken.kind {
        case .unterminatedQuote:
            self.init(
                .quoteNotClosed, line: broken.line,
                ImportWords(
                    "un guillemet s’ouvre dans cette ligne et ne se ferme pas : tout ce qui suit serait deviné",
                    "a quotation mark opens in this line and is not closed: all that follows would be guesswork"))
        case .recordTooLong:
            self.init(
                .lineTooLong, line: broken.line,
                ImportWords(
                    "une ligne a au plus \(CSVReader.recordBytesMax) octets",
                    "a line has at most \(CSVReader.recordBytesMax) bytes"))
        }
    }
}
