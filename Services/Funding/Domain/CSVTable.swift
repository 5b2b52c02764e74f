/// Why a file is not a table that was written here.
package struct CSVError: Error, Equatable {
    package enum Problem: Equatable, Sendable {
        case notUTF8
        case byteOrderMark
        case header(expected: String)
        case columns(expected: Int, found: Int)
        /// A quotation mark in a field that does not begin with one, or something behind a closing one.
        case strayQuote
        case unclosedQuote
        /// A carriage return, an empty line, or no line feed at the end.
        case lineEnd
        /// The same table is written with other bytes, such as fewer quotation marks.
        case notAsWritten
        case value(column: String, mend: String)
    }

    /// From 1, the header's; 0 for the whole file.
    package let line: Int
    package let problem: Problem

    package init(line: Int, problem: Problem) {
        self.line = line
        self.problem = problem
    }
}

/// A table as RFC 4180 has it, in UTF-8 without a byte order mark, every line ended by a line feed as in the example of
/// the subsidies' format; fields are quoted where they must be, and nowhere else.
///
/// It reads what it writes and nothing else: a table is read, written again, and taken if the bytes are the same.
enum CSVTable {
    private static let comma = UInt8(ascii: ",")
    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    static func text(header: [String], rows: some Sequence<[String]>) -> String {
        var text = line(header)
        for row in rows { text += line(row) }
        return text
    }

    private static func line(_ fields: [String]) -> String {
        fields.map(field).joined(separator: ",") + "\n"
    }

    private static func field(_ text: String) -> String {
        let mustBeQuoted = text.utf8.contains { byte in
            byte == comma || byte == quote || byte == lineFeed || byte == carriageReturn
        }
        guard mustBeQuoted else { return text }
        let doubled = text.unicodeScalars.reduce(into: "") { result, scalar in
            if scalar == "\"" { result += "\"" }
            result.unicodeScalars.append(scalar)
        }
        return "\"\(doubled)\""
    }

    /// The rows behind the header.
    static func rows(of bytes: [UInt8], header: [String]) throws(CSVError) -> [[String]] {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw CSVError(line: 1, problem: .byteOrderMark) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw CSVError(line: 0, problem: .notUTF8) }
        var reader = Reader(bytes: bytes)
        var lines: [[String]] = []
        while let fields = try reader.next() {
            if lines.isEmpty, fields != header {
                throw CSVError(line: 1, problem: .header(expected: header.joined(separator: ",")))
            }
            guard fields.count == header.count else {
                throw CSVError(
                    line: reader.line, problem: .columns(expected: header.count, found: fields.count))
            }
            lines.append(fields)
        }
        guard !lines.isEmpty else {
            throw CSVError(line: 1, problem: .header(expected: header.joined(separator: ",")))
        }
        let rows = Array(lines.dropFirst())
        // Bytes, because strings are equal in either form of an accent.
        guard self.text(header: header, rows: rows).utf8.elementsEqual(text.utf8) else {
            throw CSVError(line: 0, problem: .notAsWritten)
        }
        return rows
    }

    /// Fields in UTF-8 that is known to be valid: none of the bytes it looks for is part of another character.
    private struct Reader {
        let bytes: [UInt8]
        private var position = 0
        /// Of the record that was read last.
        private(set) var line = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func next() throws(CSVError) -> [String]? {
            guard position < bytes.count else { return nil }
            line += 1
            var fields: [String] = []
            while true {
                fields.append(bytes[position] == quote ? try quoted() : try plain())
                guard position < bytes.count else { throw CSVError(line: line, problem: .lineEnd) }
                let end = bytes[position]
                position += 1
                if end == lineFeed { return fields }
                guard position < bytes.count else { throw CSVError(line: line, problem: .lineEnd) }
            }
        }

        private mutating func plain() throws(CSVError) -> String {
            let start = position
            while position < bytes.count, bytes[position] != comma, bytes[position] != lineFeed {
                if bytes[position] == quote { throw CSVError(line: line, problem: .strayQuote) }
                if bytes[position] == carriageReturn { throw CSVError(line: line, problem: .lineEnd) }
                position += 1
            }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        private mutating func quoted() throws(CSVError) -> String {
            var field: [UInt8] = []
            position += 1
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                guard byte == quote else {
                    field.append(byte)
                    continue
                }
                guard position < bytes.count, bytes[position] == quote else { return try closed(field) }
                field.append(quote)
                position += 1
            }
            throw CSVError(line: line, problem: .unclosedQuote)
        }

        private func closed(_ field: [UInt8]) throws(CSVError) -> String {
            guard position == bytes.count || bytes[position] == comma || bytes[position] == lineFeed else {
                throw CSVError(line: line, problem: .strayQuote)
            }
            return String(decoding: field, as: UTF8.self)
        }
    }
}
