/// The number of a legal entity in the French register: nine digits, the last of which makes the Luhn sum a multiple
/// of ten.
///
/// The exception for La Poste concerns SIRET numbers of its offices only, never a SIREN (domain sources 80 and 81).
package struct SIREN: Hashable, Sendable, CustomStringConvertible {
    package let digits: String

    /// nil unless `text` is nine ASCII digits whose Luhn sum is right. Nine zeros pass Luhn and name nobody: nil as
    /// well.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 9, bytes.allSatisfy({ (0x30...0x39).contains($0) }), bytes.contains(where: { $0 != 0x30 }),
            Self.luhnSum(bytes).isMultiple(of: 10)
        else { return nil }
        digits = text
    }

    package var description: String { digits }

    /// What people paste: digits in groups. Anything else stays as it is, to be shown back in a finding.
    package static func withoutSpaces(_ text: String) -> String {
        text.filter { $0 != " " && $0 != "\u{00A0}" && $0 != "\u{202F}" }
    }

    static func luhnSum(_ digits: [UInt8]) -> Int {
        var sum = 0
        for (offset, byte) in digits.reversed().enumerated() {
            let digit = Int(byte) - 0x30
            let doubled = offset.isMultiple(of: 2) ? digit : digit * 2
            sum += doubled > 9 ? doubled - 9 : doubled
        }
        return sum
    }
}
