import Crypto
import FoundationEssentials

/// A password that was just made: the only moment at which anybody sees it.
struct CredentialSecret: Sendable {
    private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)

    /// 32 characters of 5 bits each, without look-alikes; fits into a URL as it is.
    let text: String

    init() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in Self.alphabet[Int(generator.next() & 31)] }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// One that an operator's secret store made.
    /// - Returns: nil when it is too short to be unguessable, or would have to be escaped in a URL.
    init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard isPlain, (24...128).contains(text.utf8.count) else { return nil }
        self.text = text
    }
}

/// By what a publisher proves that a credential is its own.
enum CredentialProof: Sendable, Equatable {
    case password(CredentialHash)
    /// A client certificate of the broker's authority for publishers, whose common name is the user. It opens AMQP over
    /// TLS; over HTTP there is no password that would fit.
    case certificate

    /// - Parameter secret: nil for a certificate.
    init(_ secret: CredentialSecret?) { self = secret.map { .password(CredentialHash(of: $0)) } ?? .certificate }

    /// As the table keeps it.
    init(hash: [UInt8]?) { self = hash.map { .password(CredentialHash(bytes: $0)) } ?? .certificate }

    var hash: CredentialHash? {
        if case .password(let hash) = self { hash } else { nil }
    }
}

/// The form in which RabbitMQ takes a password that it shall not see: four bytes of salt, then the SHA-256 over salt
/// and password (rabbitmq.com, "Credentials and passwords").
struct CredentialHash: Sendable, Equatable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(of secret: CredentialSecret) {
        var generator = SystemRandomNumberGenerator()
        self.init(of: secret.text, salt: (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    init(of password: String, salt: [UInt8]) {
        bytes = salt + Array(SHA256.hash(data: salt + Array(password.utf8)))
    }

    /// Takes as long for a wrong password as for the right one.
    func matches(_ password: String) -> Bool {
        let other = CredentialHash(of: password, salt: Array(bytes.prefix(4)))
        return zip(bytes, other.bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0 && bytes.count == other.bytes.count
    }

    var base64: String { Data(bytes).base64EncodedString() }
}
