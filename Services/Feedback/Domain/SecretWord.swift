/// A secret of 130 random bits that a person may have to type: 26 letters and digits, none of which is taken for
/// another.
package struct SecretWord: Hashable, Sendable {
    /// As the bytes that have to be drawn.
    package static let randomByteCount = 17
    package static let characterCount = 26
    /// Crockford's: no i, l, o or u.
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    package let text: String

    /// - Parameter randomBytes: from the system's generator, at least ``randomByteCount``.
    package init(randomBytes: [UInt8]) {
        precondition(randomBytes.count >= Self.randomByteCount, "a secret needs \(Self.randomByteCount) random bytes")
        var characters: [UInt8] = []
        var (bits, bitCount) = (UInt32(0), 0)
        for byte in randomBytes where characters.count < Self.characterCount {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 5, characters.count < Self.characterCount {
                bitCount -= 5
                characters.append(Self.alphabet[Int(bits >> UInt32(bitCount) & 31)])
            }
        }
        text = String(decoding: characters, as: UTF8.self)
    }

    /// Reads what somebody typed: capitals, and the letters that look like a digit, mean what they look like.
    package init?(_ typed: String) {
        guard typed.utf8.count == Self.characterCount else { return nil }
        var characters: [UInt8] = []
        for byte in typed.lowercased().utf8 {
            let meant =
                switch byte {
                case UInt8(ascii: "o"): UInt8(ascii: "0")
                case UInt8(ascii: "i"), UInt8(ascii: "l"): UInt8(ascii: "1")
                default: byte
                }
            guard Self.alphabet.contains(meant) else { return nil }
            characters.append(meant)
        }
        text = String(decoding: characters, as: UTF8.self)
    }
}
