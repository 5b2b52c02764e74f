import Crypto
import FoundationEssentials

/// Tells contents apart by hashes from which nobody finds them: answers are few, so that a bare hash of one is the
/// answer itself to whoever tries all.
struct ContentKey: Sendable {
    /// A hash that was made for one thing says nothing of another.
    enum Purpose: String, CaseIterable, Sendable {
        case event
        case form
        case line
    }

    /// Of each purpose, with the key and the purpose's name behind it: half of the work on a short content.
    private let begun: [Purpose: HMAC<SHA256>]

    init(_ secret: String) {
        let key = SymmetricKey(data: Array(secret.utf8))
        begun = Dictionary(
            uniqueKeysWithValues: Purpose.allCases.map { purpose in
                var code = HMAC<SHA256>(key: key)
                code.update(data: Array("\(purpose.rawValue)\n".utf8))
                return (purpose, code)
            })
    }

    /// HMAC-SHA256, 32 bytes.
    func hash(_ content: [UInt8], of purpose: Purpose) -> [UInt8] {
        guard var code = begun[purpose] else { preconditionFailure("every purpose is begun") }
        code.update(data: content)
        return Array(code.finalize())
    }
}
