/// An international bank account number (ISO 13616-1), checked by length and ISO 7064 MOD 97-10.
package struct IBAN: Sendable, Hashable {
    /// Upper case without blanks. A person's bank details: never in events, logs or errors.
    package let electronicForm: String

    /// The first four and the last four characters: enough to recognise it, too little to use it.
    package var masked: String { "\(electronicForm.prefix(4))…\(electronicForm.suffix(4))" }

    package init(_ text: String) throws(FundingError) {
        guard text.utf8.count <= 64 else { throw .invalidIBAN(reason: "it is too long") }
        let characters = text.utf8.filter { $0 != UInt8(ascii: " ") }.map(Self.upperCase)
        guard (15...34).contains(characters.count) else {
            throw .invalidIBAN(reason: "it must have 15 to 34 characters")
        }
        guard characters[0...1].allSatisfy(Self.isLetter), characters[2...3].allSatisfy(Self.isDigit),
            characters[4...].allSatisfy({ Self.isLetter($0) || Self.isDigit($0) })
        else {
            throw .invalidIBAN(reason: "it must be a country code, two check digits and then letters and digits")
        }
        let country = String(decoding: characters[0...1], as: UTF8.self)
        if let length = Self.lengths[country], characters.count != length {
            throw .invalidIBAN(reason: "one of \(country) has \(length) characters")
        }
        guard Self.remainder(of: characters) == 1 else {
            throw .invalidIBAN(reason: "its check digits do not fit")
        }
        electronicForm = String(decoding: characters, as: UTF8.self)
    }

    /// Remainder by 97 of the number that ISO 13616 makes of it: first four characters moved to the end, letters as 10
    /// to 35.
    private static func remainder(of characters: [UInt8]) -> Int {
        (characters[4...] + characters[..<4]).reduce(0) { remainder, character in
            isDigit(character)
                ? (remainder * 10 + Int(character - UInt8(ascii: "0"))) % 97
                : (remainder * 100 + Int(character - UInt8(ascii: "A")) + 10) % 97
        }
    }

    private static func upperCase(_ character: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character) ? character - 32 : character
    }

    private static func isLetter(_ character: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(character)
    }

    private static func isDigit(_ character: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
    }

    /// Lengths of the countries of the euro payments area, from the ISO 13616 registry; others are checked by digits
    /// alone.
    private static let lengths: [String: Int] = [
        "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24,
        "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21,
        "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24,
        "SI": 19, "SK": 24, "SM": 27, "VA": 22,
    ]
}
