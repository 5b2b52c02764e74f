package import FoundationEssentials

/// Why bytes are not an acceptable JSON object.
package struct JSONSyntaxError: Error, Equatable, CustomStringConvertible {
    /// Offset of the byte that cannot stand there.
    package let offset: Int
    package let reason: String
    package var description: String { "not valid JSON at byte \(offset): \(reason)" }
}

/// The members of one JSON object, found in a single strict pass (RFC 8259) that allocates nothing per member.
///
/// A consumer takes an envelope apart with this before it knows the type of what is inside. Values stay bytes; whoever
/// knows their type decodes them. Checked on the way: grammar, depth, UTF-8, no NUL (PostgreSQL refuses it in text), no
/// key twice at the top.
package struct JSONMembers: Sendable {
    /// Objects and arrays within each other; hostile bodies nest until a recursive reader runs out of stack.
    package static let depthMax = 32
    /// At the top, where each is compared with all others.
    package static let memberCountMax = 1_000

    private struct Member: Sendable {
        let key: Range<Int>
        let value: Range<Int>
    }

    private let bytes: [UInt8]
    private let members: [Member]

    package init(_ bytes: [UInt8]) throws(JSONSyntaxError) {
        var scanner = JSONScanner()
        let span = bytes.span
        try scanner.checkText(span)
        let members = try Self.members(span, &scanner)
        scanner.skipSpace(span)
        guard scanner.position == span.count else { throw scanner.error("text after the object") }
        guard members.count <= Self.memberCountMax else {
            throw JSONSyntaxError(offset: 0, reason: "more than \(Self.memberCountMax) members")
        }
        self.bytes = bytes
        self.members = members
        try checkKeys()
    }

    private func checkKeys() throws(JSONSyntaxError) {
        for (index, member) in members.enumerated() {
            for other in members[..<index]
            where other.key.count == member.key.count && bytes[other.key] == bytes[member.key] {
                throw JSONSyntaxError(offset: member.key.lowerBound, reason: "the same key twice")
            }
        }
    }

    /// The object that begins at a byte of text that was looked through before.
    private init?(_ bytes: [UInt8], at position: Int) {
        var scanner = JSONScanner(position: position)
        do throws(JSONSyntaxError) { members = try Self.members(bytes.span, &scanner) } catch { return nil }
        self.bytes = bytes
    }

    /// Of the object that begins where the scanner stands.
    private static func members(
        _ bytes: Span<UInt8>, _ scanner: inout JSONScanner
    ) throws(JSONSyntaxError) -> [Member] {
        var members: [Member] = []
        members.reserveCapacity(16)
        try scanner.object(bytes, depth: 1) { key, value in members.append(Member(key: key, value: value)) }
        return members
    }

    /// The bytes of a member's value; nil when the member is absent.
    package func value(_ key: StaticString) -> ArraySlice<UInt8>? {
        let wanted = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        for member in members where bytes[member.key].elementsEqual(wanted) { return bytes[member.value] }
        return nil
    }

    /// A member's value as text: nil when it is absent or not a string.
    package func string(_ key: StaticString) -> String? {
        guard let value = value(key), value.count >= 2, value.first == UInt8(ascii: "\"") else { return nil }
        let inside = value.dropFirst().dropLast()
        guard inside.contains(UInt8(ascii: "\\")) else { return String(decoding: inside, as: UTF8.self) }
        return try? WireCoding.decode(String.self, from: value)
    }

    /// A member's value as a whole number: nil when it is absent or anything else.
    package func integer(_ key: StaticString) -> Int64? {
        value(key).flatMap { Self.integer($0) }
    }

    /// A member's value as an identifier: nil when it is absent or anything else.
    package func uuid(_ key: StaticString) -> UUID? { plain(key).flatMap { UUID(characters: $0) } }

    /// A member's value as an instant: nil when it is absent or anything else.
    package func instant(_ key: StaticString) -> Date? { plain(key).flatMap { WireInstant.parse($0) } }

    /// A member's value as whole numbers: nil when it is absent or anything else.
    package func integers(_ key: StaticString) -> [Int?]? {
        guard let ranges = elements(key) else { return nil }
        var numbers: [Int?] = []
        numbers.reserveCapacity(ranges.count)
        for range in ranges {
            if let number = Self.integer(bytes[range]).flatMap({ Int(exactly: $0) }) {
                numbers.append(number)
            } else if bytes[range].elementsEqual("null".utf8) {
                numbers.append(nil)
            } else {
                return nil
            }
        }
        return numbers
    }

    /// A member's value as an object without repeated members: nil when it is absent or anything else.
    package func object(_ key: StaticString) -> JSONMembers? {
        guard let value = value(key), value.first == UInt8(ascii: "{"),
            let object = JSONMembers(bytes, at: value.startIndex), object.members.count <= Self.memberCountMax,
            (try? object.checkKeys()) != nil
        else { return nil }
        return object
    }

    /// A member's value as objects: nil when it is absent or anything else, or one of them cannot be read.
    package func objects<Element>(_ key: StaticString, _ read: (JSONMembers) -> Element?) -> [Element]? {
        guard let ranges = elements(key) else { return nil }
        var elements: [Element] = []
        elements.reserveCapacity(ranges.count)
        for range in ranges {
            guard let element = JSONMembers(bytes, at: range.lowerBound).flatMap(read) else { return nil }
            elements.append(element)
        }
        return elements
    }

    /// A member that may be absent or null: the outer nil says that it is there and cannot be read.
    package func optional<Value>(
        _ key: StaticString, _ read: (JSONMembers) -> (StaticString) -> Value?
    ) -> Value?? {
        guard let value = value(key), !value.elementsEqual("null".utf8) else { return .some(nil) }
        return read(self)(key).map { .some($0) }
    }

    /// What stands between the quotes, where nothing is escaped.
    private func plain(_ key: StaticString) -> ArraySlice<UInt8>? {
        guard let value = value(key), value.count >= 2, value.first == UInt8(ascii: "\"") else { return nil }
        return value.dropFirst().dropLast()
    }

    private func elements(_ key: StaticString) -> [Range<Int>]? {
        guard let value = value(key), value.first == UInt8(ascii: "[") else { return nil }
        var scanner = JSONScanner(position: value.startIndex)
        var ranges: [Range<Int>] = []
        do throws(JSONSyntaxError) {
            try scanner.array(bytes.span, depth: 1) { ranges.append($0) }
        } catch { return nil }
        return ranges
    }

    /// Without a fraction or an exponent, and small enough.
    private static func integer(_ text: ArraySlice<UInt8>) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text
        guard (1...18).contains(digits.count) else {
            // Nobody counts that far; what is left is at the end of the range.
            return Int64(String(decoding: text, as: UTF8.self))
        }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return isNegative ? -number : number
    }
}

/// The strict pass behind ``JSONMembers``.
private struct JSONScanner {
    var position = 0

    func error(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: position, reason: reason) }

    func checkText(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        do {
            _ = try UTF8Span(validating: bytes)
        } catch {
            throw JSONSyntaxError(offset: 0, reason: "not UTF-8")
        }
    }

    mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    mutating func take(_ character: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func object(
        _ bytes: Span<UInt8>, depth: Int, member: (Range<Int>, Range<Int>) -> Void
    ) throws(JSONSyntaxError) {
        guard depth <= JSONMembers.depthMax else { throw error("nested deeper than \(JSONMembers.depthMax)") }
        guard take("{", bytes) else { throw error("an object is expected") }
        if take("}", bytes) { return }
        repeat {
            skipSpace(bytes)
            let key = try string(bytes)
            guard take(":", bytes) else { throw error("a colon is expected") }
            skipSpace(bytes)
            let start = position
            try value(bytes, depth: depth)
            member(key, start..<position)
        } while take(",", bytes)
        guard take("}", bytes) else { throw error("a comma or the object's end is expected") }
    }

    private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONSyntaxError) {
        guard position < bytes.count else { throw error("the text ends in the middle") }
        switch bytes[position] {
        case UInt8(ascii: "\""): _ = try string(bytes)
        case UInt8(ascii: "{"): try object(bytes, depth: depth + 1) { _, _ in }
        case UInt8(ascii: "["): try array(bytes, depth: depth + 1) { _ in }
        case UInt8(ascii: "t"): try literal("true", bytes)
        case UInt8(ascii: "f"): try literal("false", bytes)
        case UInt8(ascii: "n"): try literal("null", bytes)
        default: try number(bytes)
        }
    }

    mutating func array(
        _ bytes: Span<UInt8>, depth: Int, element: (Range<Int>) -> Void
    ) throws(JSONSyntaxError) {
        guard depth <= JSONMembers.depthMax else { throw error("nested deeper than \(JSONMembers.depthMax)") }
        position += 1
        if take("]", bytes) { return }
        repeat {
            skipSpace(bytes)
            let start = position
            try value(bytes, depth: depth)
            element(start..<position)
        } while take(",", bytes)
        guard take("]", bytes) else { throw error("a comma or the array's end is expected") }
    }

    /// The range between the quotes.
    private mutating func string(_ bytes: Span<UInt8>) throws(JSONSyntaxError) -> Range<Int> {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw error("a string is expected") }
        position += 1
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"): try escape(bytes)
            case 0..<0x20: throw error("a control character within a string")
            default: position += 1
            }
        }
        throw error("the text ends within a string")
    }

    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        position += 1
        guard position < bytes.count else { throw error("the text ends within a string") }
        switch bytes[position] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            var unit = 0
            for _ in 0..<4 {
                guard position < bytes.count, let digit = hexadecimal(bytes[position]) else {
                    throw error("four hexadecimal digits are expected")
                }
                unit = unit << 4 | digit
                position += 1
            }
            if unit == 0 { throw error("a NUL character within a string") }
        default: throw error("an unknown escape")
        }
    }

    private func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    private mutating func literal(_ word: StaticString, _ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count, bytes[position] == word.utf8Start[offset] else {
                throw error("a value is expected")
            }
            position += 1
        }
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        if byte(bytes) == UInt8(ascii: "-") { position += 1 }
        if byte(bytes) == UInt8(ascii: "0") { position += 1 } else { try digits(bytes) }
        if byte(bytes) == UInt8(ascii: ".") {
            position += 1
            try digits(bytes)
        }
        if byte(bytes) | 0x20 == UInt8(ascii: "e") {
            position += 1
            if byte(bytes) == UInt8(ascii: "+") || byte(bytes) == UInt8(ascii: "-") { position += 1 }
            try digits(bytes)
        }
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONSyntaxError) {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        if position == start { throw error("a value is expected") }
    }

    /// The byte at the position, or 0 at the end: no number contains a NUL.
    private func byte(_ bytes: Span<UInt8>) -> UInt8 { position < bytes.count ? bytes[position] : 0 }
}
