import Identifiers

/// Limits that several commands share.
enum Checks {
    /// Ten thousand billion euros: far above any programme, far below where sums of cents overflow.
    static let centsMax: Int64 = 1_000_000_000_000_000

    /// - Parameter field: JSON pointer.
    static func amount(_ cents: Int64, field: String) throws(FundingError) {
        guard (1...centsMax).contains(cents) else {
            throw .invalid(field: field, expected: "a whole number of cents from 1 to \(centsMax)")
        }
    }

    static func siren(_ text: String, field: String) throws(FundingError) {
        guard SIREN(text) != nil else {
            throw .invalid(field: field, expected: "a SIREN number: nine digits with a Luhn check")
        }
    }

    /// A line of text that a person wrote: not blank, without control characters (NUL cannot be stored, line breaks
    /// forge logs).
    static func line(_ text: String, upTo lengthMax: Int, field: String) throws(FundingError) {
        let isBlank = text.allSatisfy(\.isWhitespace)
        let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard !isBlank, !hasControls, text.count <= lengthMax, text.utf8.count <= lengthMax * 4 else {
            throw .invalid(field: field, expected: "1 to \(lengthMax) characters in one line")
        }
    }
}
