import Crypto

/// The digest that a depositor keeps: whoever has the canonical bytes can compute it again.
enum Receipt {
    /// SHA-256 in lower-case hexadecimal.
    @Sendable static func digest(_ canonical: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in SHA256.hash(data: canonical) {
            text.append(hexadecimal[Int(byte >> 4)])
            text.append(hexadecimal[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let hexadecimal = Array("0123456789abcdef".utf8)
}
