/// The number of an establishment in the national register of health and medico-social establishments.
///
/// The register publishes no rule for the last digit; that it is a Luhn key, with 1 and 2 in the place of Corsica's
/// letters, holds for every number that was looked at, but not for the examples of the Agence du numérique en santé. So
/// the form is strict, and the key is a hint.
package struct Finess: Hashable, Sendable {
    package let text: String

    /// nil for anything but nine digits, of which the second may be an A or B after a 2.
    package init?(_ text: String) {
        let upper = text.uppercased()
        let bytes = Array(upper.utf8)
        guard bytes.count == 9 else { return nil }
        let isCorsican = bytes[0] == UInt8(ascii: "2") && [UInt8(ascii: "A"), UInt8(ascii: "B")].contains(bytes[1])
        for (index, byte) in bytes.enumerated() {
            guard (0x30...0x39).contains(byte) || (index == 1 && isCorsican) else { return nil }
        }
        self.text = upper
    }

    package var isKeyRight: Bool {
        var sum = 0
        for (index, byte) in text.utf8.reversed().enumerated() {
            let digit = byte >= UInt8(ascii: "A") ? Int(byte - UInt8(ascii: "A")) + 1 : Int(byte) - 0x30
            let doubled = index.isMultiple(of: 2) ? digit : digit * 2
            sum += doubled > 9 ? doubled - 9 : doubled
        }
        return sum.isMultiple(of: 10)
    }
}
