/// Text from outside that goes into columns, headers and envelopes beside the payload.
package enum StoredText {
    /// AMQP's short strings and our indexed columns end here.
    package static let bytesMax = 255

    /// The text without control characters (PostgreSQL refuses NUL in text) and cut at a character, not within one.
    package static func clean(_ text: String, bytesMax: Int = bytesMax) -> String {
        let isClean = text.utf8.count <= bytesMax && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        guard !isClean else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            let kept = scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
            guard result.utf8.count + UTF8.width(kept) <= bytesMax else { break }
            result.unicodeScalars.append(kept)
        }
        return result
    }
}
