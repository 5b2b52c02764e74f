/// The check of an international bank account number (ISO 13616-1) in its electronic form, by ISO 7064 MOD 97-10.
///
/// Lengths by country are the caller's to check: who has a list of them keeps it up to date.
enum AccountNumber {
    static let expected = "an IBAN in upper case without blanks, whose check digits fit"

    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (15...34).contains(bytes.count), bytes[0...1].allSatisfy(isLetter), bytes[2...3].allSatisfy(isDigit),
            bytes[4...].allSatisfy({ isLetter($0) || isDigit($0) })
        else { return false }
        // The first four characters count last; letters count as 10 to 35.
        let remainder = (bytes[4...] + bytes[..<4]).reduce(0) { remainder, byte in
            isDigit(byte)
                ? (remainder * 10 + Int(byte - UInt8(ascii: "0"))) % 97
                : (remainder * 100 + Int(byte - UInt8(ascii: "A")) + 10) % 97
        }
        return remainder == 1
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// The check of a business identifier code (ISO 9362:2014): 8 or 11 characters.
enum BankIdentifier {
    static let expected = "a BIC of 8 or 11 capital letters and digits, or none"

    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 8 || bytes.count == 11 else { return false }
        return bytes.enumerated().allSatisfy { place, byte in
            let isLetter = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            // Places 4 and 5 are the country.
            return isLetter || !(4...5).contains(place) && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}
