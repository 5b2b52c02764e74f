import Crypto
import FeedbackDomain

/// Random secrets, and what is kept of them.
enum Secrets {
    static func word() -> SecretWord {
        var generator = SystemRandomNumberGenerator()
        return SecretWord(
            randomBytes: (0..<SecretWord.randomByteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator)
            }
        )
    }

    /// What stands in a table in place of the secret. It needs no salt and no slow hash: the secret is random.
    static func hash(_ word: SecretWord) -> [UInt8] { hash("link", word.text) }

    static func hash(_ code: ReceiptCode) -> [UInt8] { hash("code", code.text) }

    /// The receipt code of what is sent with a form. Whoever has the form has the code, and nobody else: neither we nor
    /// who made the link could say it again.
    static func code(of form: SecretWord) -> ReceiptCode {
        ReceiptCode(number: hash("receipt", form.text).prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    private static func hash(_ purpose: String, _ text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array("maillage \(purpose)\n\(text)".utf8)))
    }
}
