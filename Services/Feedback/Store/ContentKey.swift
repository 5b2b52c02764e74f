import Crypto
import FoundationEssentials

/// Tells contents apart by hashes from which nobody finds them: answers are few, so that a bare hash of one is the
/// answer itself to whoever tries all.
struct ContentKey: Sendable {
    /// A hash that was made for one thing says nothing of another.
    enum Purpose: String, Sendable {
        case event
        case form
        case line
    }

    private let key: SymmetricKey

    init(_ secret: String) { key = SymmetricKey(data: Array(secret.utf8)) }

    /// HMAC-SHA256, 32 bytes.
    func hash(_ content: [UInt8], of purpose: Purpose) -> [UInt8] {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array("\(purpose.rawValue)\n".utf8))
        code.update(data: content)
        return Array(code.finalize())
    }
}
