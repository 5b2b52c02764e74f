/// The characters that every bank of the euro payments area takes, and texts made of them.
///
/// Source: European Payments Council, customer-to-PSP implementation guidelines (EPC132-08), section on the character
/// set: `a-z A-Z 0-9 / - ? : ( ) . , ' +` and blank; identifications neither begin nor end with a slash, and have no
/// two slashes in a row.
enum SEPAText {
    static let idLengthMax = 35
    static let nameLengthMax = 70
    static let remittanceLengthMax = 140
    /// What a message says where a payment has no identification: not to be taken as one.
    static let noID = "NOTPROVIDED"

    static let idExpected =
        "1 to \(idLengthMax) characters of a-z A-Z 0-9 / - ? : ( ) . , ' + and blank, "
        + "no slash or blank at either end, no //, and not \(noID)"

    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/-?:().,'+ ".utf8.contains(byte)
        }
    }

    /// Identifications are compared with what comes back: they are taken as they are, or not at all.
    static func checkID(_ id: String, field: String) throws(BankMessagesError) {
        let bytes = Array(id.utf8)
        let ends = [bytes.first, bytes.last]
        guard (1...idLengthMax).contains(bytes.count), bytes.allSatisfy(isAllowed), !ends.contains(UInt8(ascii: "/")),
            !ends.contains(UInt8(ascii: " ")), !id.contains("//"), id != noID
        else { throw .invalidInput(field: field, expected: idExpected) }
    }

    /// A name or a remittance text in SEPA characters, without blanks at its ends.
    ///
    /// - Throws: `characterNotAllowed` for the first character that `SEPATransliteration` does not know, and
    ///   `invalidInput` where the result is empty or longer than `lengthMax` characters.
    static func text(_ text: String, lengthMax: Int, field: String) throws(BankMessagesError) -> String {
        var bytes: [UInt8] = []
        for character in text {
            if let byte = character.asciiValue, character.utf8.count == 1, isAllowed(byte) {
                bytes.append(byte)
            } else if let letters = SEPATransliteration.table[character] {
                bytes += letters.utf8
            } else {
                throw .characterNotAllowed(field: field, character: name(of: character))
            }
        }
        let blank = UInt8(ascii: " ")
        let trimmed = bytes.drop { $0 == blank }.reversed().drop { $0 == blank }.reversed()
        guard (1...lengthMax).contains(trimmed.count) else {
            throw .invalidInput(
                field: field, expected: "1 to \(lengthMax) characters, counted after é has become e and œ oe")
        }
        return String(decoding: trimmed, as: UTF8.self)
    }

    /// `U+20AC EURO SIGN`; of a character that has several parts, the first four.
    static func name(of character: Character) -> String {
        character.unicodeScalars.prefix(4).map { scalar in
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            return scalar.properties.name.map { "\(code) \($0)" } ?? code
        }.joined(separator: ", ")
    }
}
