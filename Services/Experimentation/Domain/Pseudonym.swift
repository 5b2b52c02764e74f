/// The code under which outside publishers know a participant: 12 characters of Crockford's base 32, 60 random bits.
///
/// It has no I, L, O or U, so that it survives being read aloud and typed in, and says nothing about the person.
package struct Pseudonym: Sendable, Hashable, CustomStringConvertible {
    package static let length = 12
    package static let randomByteCount = 8

    package let code: String

    /// - Parameter bytes: 8 random bytes, made by the caller; the top 60 of their bits are used.
    package init(randomBytes bytes: [UInt8]) {
        precondition(bytes.count == Self.randomByteCount, "a pseudonym needs 8 random bytes")
        let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let characters = (0..<Self.length).map { position in
            Self.alphabet[Int(bits >> UInt64(59 - 5 * position) & 31)]
        }
        code = String(decoding: characters, as: UTF8.self)
    }

    package var description: String { code }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}
