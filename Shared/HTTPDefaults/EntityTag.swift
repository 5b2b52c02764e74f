import HTTPTypes
package import Hummingbird

/// The version of an aggregate as a strong entity tag, `"v3"`.
package enum EntityTag {
    package static func text(_ version: Int64) -> String { "\"v\(version)\"" }

    /// The version in a tag; nil for a weak tag, a list, or anything that we did not write.
    package static func version(_ text: String) -> Int64? {
        guard text.hasPrefix("\"v"), text.hasSuffix("\""), text.utf8.count >= 4 else { return nil }
        let digits = text.dropFirst(2).dropLast()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits)
    }
}

extension Request {
    /// The version that the caller read, from `If-Match`. The store compares it under the row's lock and throws
    /// ``Problem/versionMismatch(current:)`` when it differs.
    /// - Throws: 428 without the header, 400 when it is not one of our tags.
    package func expectedVersion() throws(Problem) -> Int64 {
        guard let text = headers[.ifMatch] else {
            throw Problem(
                .preconditionRequired, "if-match-required", "This change needs the version that you read"
            ).mending("Send the ETag of your last read in If-Match.")
        }
        guard let version = EntityTag.version(text) else {
            throw Problem(
                .badRequest, "bad-if-match", "If-Match is not one of our entity tags",
                detail: "expected one tag such as \"v3\""
            ).mending("Send the ETag of your last read in If-Match, unchanged.")
        }
        return version
    }
}
