/// Where a record begins.
package struct CSVPlace: Sendable, Equatable {
    /// Bytes from the beginning of the file.
    package var byte: Int
    /// Physical, from 1.
    package var line: Int

    package init(byte: Int = 0, line: Int = 1) {
        self.byte = byte
        self.line = line
    }
}

package struct CSVRecord: Sendable, Equatable {
    /// Of its first physical line.
    package let line: Int
    /// Without their quotation marks.
    package let fields: [[UInt8]]
    /// As it stands in the file, without the line's end.
    package let raw: [UInt8]
    /// Whether something stands between a closing quotation mark and the separator.
    package let hasTextAfterQuote: Bool

    /// An empty line; spreadsheets also leave lines of nothing but separators.
    package var isBlank: Bool { fields.allSatisfy { $0.allSatisfy { $0 == 0x20 || $0 == 0x09 } } }
}

/// A file that cannot be read on from here: what follows would be guesswork.
package struct CSVBreak: Error, Sendable, Equatable {
    package enum Kind: Sendable { case unterminatedQuote, recordTooLong }

    package let kind: Kind
    package let line: Int
}

/// Cuts a stream of bytes into records and fields (RFC 4180), in memory bounded by the longest record.
///
/// Lines end with CR LF, LF or CR. A quotation mark within a field that does not begin with one is a character like any
/// other. Separators, quotation marks and line ends are ASCII in both charsets, so bytes need no decoding here.
package struct CSVReader: Sendable {
    package static let recordBytesMax = 65_536

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private enum State { case fieldStart, plain, quoted, quoteInQuoted }

    /// After the last record that was given out.
    package private(set) var place: CSVPlace

    private let separator: UInt8
    private var bytes: [UInt8] = []
    private var start = 0
    private var isFinished = false

    package init(separator: UInt8, from place: CSVPlace = CSVPlace()) {
        self.separator = separator
        self.place = place
    }

    /// Whether every byte was given out as part of a record.
    package var isAtEnd: Bool { isFinished && start == bytes.count }

    package mutating func append(_ more: some Collection<UInt8>) {
        bytes.removeFirst(start)
        start = 0
        bytes.append(contentsOf: more)
    }

    /// No more bytes follow.
    package mutating func finish() { isFinished = true }

    /// - Returns: nil when more bytes are needed, or at the end.
    package mutating func next() throws(CSVBreak) -> CSVRecord? {
        var fields: [[UInt8]] = []
        var field: [UInt8] = []
        var (state, hasTextAfterQuote, lineCount) = (State.fieldStart, false, 0)
        var index = start
        while index < bytes.count {
            guard index - start < Self.recordBytesMax else { throw tooLong(state) }
            let byte = bytes[index]
            switch state {
            case .quoted where byte == Self.quote: state = .quoteInQuoted
            case .quoted:
                field.append(byte)
                if isLineEnd(at: index) { lineCount += 1 }
            case .fieldStart where byte == Self.quote: state = .quoted
            case .quoteInQuoted where byte == Self.quote:
                field.append(byte)
                state = .quoted
            case _ where byte == separator:
                fields.append(field)
                field = []
                state = .fieldStart
            case _ where byte == Self.lineFeed || byte == Self.carriageReturn:
                guard let width = lineEndWidth(at: index) else { return nil }
                return record(fields + [field], to: index, width, lineCount + 1, hasTextAfterQuote)
            default:
                if state == .quoteInQuoted { hasTextAfterQuote = true }
                field.append(byte)
                state = .plain
            }
            index += 1
        }
        guard isFinished, index > start else { return nil }
        guard state != .quoted else { throw CSVBreak(kind: .unterminatedQuote, line: place.line) }
        return record(fields + [field], to: index, 0, lineCount, hasTextAfterQuote)
    }

    private func tooLong(_ state: State) -> CSVBreak {
        CSVBreak(kind: state == .quoted ? .unterminatedQuote : .recordTooLong, line: place.line)
    }

    /// Of CR LF the LF ends the line.
    private func isLineEnd(at index: Int) -> Bool {
        if bytes[index] == Self.lineFeed { return true }
        guard bytes[index] == Self.carriageReturn else { return false }
        return index + 1 == bytes.count || bytes[index + 1] != Self.lineFeed
    }

    /// nil where the byte behind a CR is not there yet.
    private func lineEndWidth(at index: Int) -> Int? {
        if bytes[index] == Self.lineFeed { return 1 }
        guard index + 1 < bytes.count else { return isFinished ? 1 : nil }
        return bytes[index + 1] == Self.lineFeed ? 2 : 1
    }

    private mutating func record(
        _ fields: [[UInt8]], to end: Int, _ lineEndWidth: Int, _ lineCount: Int, _ hasTextAfterQuote: Bool
    ) -> CSVRecord {
        let record = CSVRecord(
            line: place.line, fields: fields, raw: Array(bytes[start..<end]), hasTextAfterQuote: hasTextAfterQuote)
        place = CSVPlace(byte: place.byte + end + lineEndWidth - start, line: place.line + lineCount)
        start = end + lineEndWidth
        return record
    }
}

package enum CSVCharset: String, Sendable {
    case utf8 = "utf-8"
    case windows1252 = "windows-1252"

    /// As an HTTP `charset` parameter names it. What is called Latin-1 is taken for Windows-1252, as browsers do.
    package init?(parameter: String) {
        switch parameter.lowercased() {
        case "utf-8", "utf8": self = .utf8
        case "windows-1252", "cp1252", "iso-8859-1", "latin1": self = .windows1252
        default: return nil
        }
    }

    /// nil where the bytes are none of this charset, or hold a NUL, which no text here may have.
    package func text(_ bytes: [UInt8]) -> String? {
        guard !bytes.contains(0) else { return nil }
        switch self {
        case .utf8: return String(validating: bytes, as: UTF8.self)
        case .windows1252:
            var scalars = String.UnicodeScalarView()
            for byte in bytes {
                let value = (0x80...0x9F).contains(byte) ? Self.upper[Int(byte) - 0x80] : UInt32(byte)
                guard value != 0, let scalar = Unicode.Scalar(value) else { return nil }
                scalars.append(scalar)
            }
            return String(scalars)
        }
    }

    /// 0x80 to 0x9F (WHATWG, index windows-1252, without what it only maps to controls); 0 where there is none.
    private static let upper: [UInt32] = [
        0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
        0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E,
        0x0178,
    ]
}
