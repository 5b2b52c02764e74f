/// What opens an answer again: 64 random bits as four groups that can be said aloud, and two digits that tell a typo
/// from a code that never was: `bamor-tisok-luvap-xanid-42`.
///
/// Each group is five letters, consonant and vowel in turn, and holds 16 bits (after Wilkerson's proquints, with the
/// letters that French and English both can tell apart).
package struct ReceiptCode: Hashable, Sendable {
    package enum Fault: Error, Sendable, Equatable {
        /// It has not the form of a code.
        case malformed
        /// It has the form, but its digits say that a letter is wrong.
        case mistyped
    }

    private static let consonants = Array("bdfgjklmnprstvxz".utf8)
    private static let vowels = Array("aiou".utf8)
    private static let groupCount = 4
    private static let letterCount = 5
    /// Prime, and divides no difference that one wrong letter or two swapped ones make.
    private static let modulus: UInt64 = 97
    private static let typedBytesMax = 100

    package let number: UInt64

    package init(number: UInt64) { self.number = number }

    package var text: String {
        var groups: [String] = []
        for index in 0..<Self.groupCount {
            groups.append(Self.group(UInt16(truncatingIfNeeded: number >> UInt64(16 * (3 - index)))))
        }
        let check = number % Self.modulus
        return groups.joined(separator: "-") + (check < 10 ? "-0\(check)" : "-\(check)")
    }

    /// Reads what somebody typed, with or without hyphens, spaces and capitals.
    package init(parsing typed: String) throws(Fault) {
        guard typed.utf8.count <= Self.typedBytesMax else { throw .malformed }
        let characters = typed.lowercased().utf8.filter { byte in
            byte != UInt8(ascii: "-") && byte != UInt8(ascii: " ") && byte != UInt8(ascii: ".")
        }
        let letterCount = Self.groupCount * Self.letterCount
        guard characters.count == letterCount + 2 else { throw .malformed }
        var number: UInt64 = 0
        for (index, letter) in characters.prefix(letterCount).enumerated() {
            let isConsonant = (index % Self.letterCount).isMultiple(of: 2)
            guard let value = (isConsonant ? Self.consonants : Self.vowels).firstIndex(of: letter) else {
                throw .malformed
            }
            number = number << (isConsonant ? 4 : 2) | UInt64(value)
        }
        guard let check = UInt64(String(decoding: characters.suffix(2), as: UTF8.self)) else { throw .malformed }
        guard check == number % Self.modulus else { throw .mistyped }
        self.number = number
    }

    private static func group(_ bits: UInt16) -> String {
        let letters = [
            consonants[Int(bits >> 12)], vowels[Int(bits >> 10 & 3)], consonants[Int(bits >> 6 & 15)],
            vowels[Int(bits >> 4 & 3)], consonants[Int(bits & 15)],
        ]
        return String(decoding: letters, as: UTF8.self)
    }
}
