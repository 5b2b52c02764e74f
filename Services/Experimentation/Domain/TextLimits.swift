/// Bounds of everything that comes from outside.
package enum TextLimits {
    package static let titleLengthMax = 200
    package static let nameLengthMax = 200
    package static let communeLengthMax = 100
    package static let scopeLengthMax = 200
    package static let evidenceLengthMax = 100
    package static let reasonLengthMax = 500
    package static let summaryLengthMax = 10_000
    package static let referenceLengthMax = 256
    package static let externalCodeLengthMax = 64
    /// A hundred thousand million euros: sums of a thousand such amounts still fit 64 bits.
    package static let centsMax: Int64 = 10_000_000_000_000
    package static let participantsTargetMax = 1_000_000

    /// Not blank, not too long, one line.
    static func require(_ text: String, _ field: String, lengthMax: Int) throws(ExperimentationError) {
        let scalars = text.unicodeScalars
        guard scalars.count <= lengthMax, !text.allSatisfy(\.isWhitespace), !scalars.contains(where: isControl) else {
            throw .invalidField(field, expected: "1 to \(lengthMax) characters on one line")
        }
    }

    /// Not blank, not too long, on as many lines as it likes.
    static func requireText(_ text: String, _ field: String, lengthMax: Int) throws(ExperimentationError) {
        let scalars = text.unicodeScalars
        guard scalars.count <= lengthMax, !text.allSatisfy(\.isWhitespace),
            !scalars.contains(where: { isControl($0) && $0 != "\n" && $0 != "\r" })
        else {
            throw .invalidField(
                field, expected: "1 to \(lengthMax) characters without control characters but line breaks")
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
    }

    /// A code that is compared byte by byte: letters, digits and the given marks of ASCII.
    static func requireCode(
        _ text: String, _ field: String, lengthMax: Int, marks: String = "-._"
    ) throws(ExperimentationError) {
        let isCode = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: marks.utf8.contains(byte)
            }
        }
        guard isCode, (1...lengthMax).contains(text.utf8.count) else {
            throw .invalidField(field, expected: "1 to \(lengthMax) letters, digits or any of \(marks)")
        }
    }
}
