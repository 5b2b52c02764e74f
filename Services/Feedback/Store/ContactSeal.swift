import Crypto
import FoundationEssentials

/// Seals what tells who a person is with a key of their own (AES-256-GCM): without the key's row the rest says nothing.
enum ContactSeal {
    static func newKey() -> [UInt8] { SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) } }

    /// - Parameter person: whose it is; under another id it does not open.
    static func seal(_ text: String, of person: UUID, with key: [UInt8]) throws -> [UInt8] {
        let box = try AES.GCM.seal(
            Array(text.utf8), using: SymmetricKey(data: key),
            authenticating: withUnsafeBytes(of: person.uuid) { Array($0) })
        guard let sealed = box.combined else { throw InternalError(description: "a nonce of another size") }
        return Array(sealed)
    }

    static func open(_ sealed: [UInt8], of person: UUID, with key: [UInt8]) throws -> String {
        let box = try AES.GCM.SealedBox(combined: sealed)
        let text = try AES.GCM.open(
            box, using: SymmetricKey(data: key), authenticating: withUnsafeBytes(of: person.uuid) { Array($0) })
        return String(decoding: text, as: UTF8.self)
    }
}
