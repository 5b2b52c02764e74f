/// Writes JSON strings by hand: a log line must not fail, and an encoder would need a type for every record.
enum JSONText {
    /// Appends `text` as a JSON string, quotes included, cut after `limit` bytes at the start of a character.
    static func append(_ text: String, to line: inout [UInt8], limit: Int) {
        line.append(UInt8(ascii: "\""))
        var count = 0
        for byte in text.utf8 {
            // 0b10xxxxxx continues a character; only in front of another byte may the text be cut.
            if count >= limit && byte & 0b1100_0000 != 0b1000_0000 {
                line.append(contentsOf: "…".utf8)
                break
            }
            append(byte, to: &line)
            count += 1
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func append(_ byte: UInt8, to line: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): line.append(contentsOf: #"\""#.utf8)
        case UInt8(ascii: "\\"): line.append(contentsOf: #"\\"#.utf8)
        case 0x0A: line.append(contentsOf: #"\n"#.utf8)
        case 0x0D: line.append(contentsOf: #"\r"#.utf8)
        case 0x09: line.append(contentsOf: #"\t"#.utf8)
        case 0x00..<0x20, 0x7F:
            let digits = Array("0123456789abcdef".utf8)
            line.append(contentsOf: #"\u00"#.utf8)
            line.append(digits[Int(byte >> 4)])
            line.append(digits[Int(byte & 0xF)])
        default: line.append(byte)
        }
    }
}
