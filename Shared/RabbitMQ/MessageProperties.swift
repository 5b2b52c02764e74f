import Glibc

/// The properties of a message, decoded from the bytes of its header frame.
///
/// librabbitmq decodes them too, and its public functions for reading a message fail on an empty key and leave the body's
/// frames behind. So nothing of its decoding is used: every length is checked here, nothing nested is followed, and what is
/// malformed is flagged instead of refused, because a message that cannot be read would be redelivered for ever.
package struct MessageProperties: Sendable {
    /// More entries than this flag the table; the rest is not read.
    package static let headerCountMax = 64
    /// A longer text is `.other` and flags the table.
    package static let headerTextBytesMax = 8192

    package var contentType: String?
    package var messageID: String?
    package var type: String?
    package var userID: String?
    package var headers: [(String, HeaderValue)] = []
    /// The quorum queue's own header `x-delivery-count`.
    package var deliveryCount: Int?
    package var isMalformed = false

    package init() {}

    /// Decodes the payload of a header frame behind its body size: flags, then the properties that they announce.
    package init(decoding bytes: UnsafeRawBufferPointer) {
        var cache = PropertyCache()
        self.init(decoding: bytes, cache: &cache)
    }

    init(decoding bytes: UnsafeRawBufferPointer, cache: inout PropertyCache) {
        var reader = PropertyReader(bytes)
        // Basic has 14 properties, so a second word of flags never comes; the lowest bit would announce it.
        guard let flags = reader.uint16(), flags & 1 == 0 else {
            isMalformed = true
            return
        }
        if flags & (1 << 15) != 0 { contentType = text(&reader, &cache.contentType) }
        if flags & (1 << 14) != 0 { skipShort(&reader) }  // content-encoding
        if flags & (1 << 13) != 0 { readHeaders(&reader, &cache) }
        if flags & (1 << 12) != 0 { skip(1, &reader) }  // delivery-mode
        if flags & (1 << 11) != 0 { skip(1, &reader) }  // priority
        if flags & (1 << 10) != 0 { skipShort(&reader) }  // correlation-id
        if flags & (1 << 9) != 0 { skipShort(&reader) }  // reply-to
        if flags & (1 << 8) != 0 { skipShort(&reader) }  // expiration
        if flags & (1 << 7) != 0 { messageID = text(&reader, &cache.messageID) }
        if flags & (1 << 6) != 0 { skip(8, &reader) }  // timestamp
        if flags & (1 << 5) != 0 { type = text(&reader, &cache.type) }
        if flags & (1 << 4) != 0 { userID = text(&reader, &cache.userID) }
    }

    private mutating func text(_ reader: inout PropertyReader, _ last: inout RepeatedString) -> String? {
        guard let bytes = reader.shortBytes(), let string = last.string(bytes) else {
            isMalformed = true
            return nil
        }
        return string
    }

    private mutating func skipShort(_ reader: inout PropertyReader) {
        if reader.shortBytes() == nil { isMalformed = true }
    }

    private mutating func skip(_ count: Int, _ reader: inout PropertyReader) {
        if reader.take(count) == nil { isMalformed = true }
    }

    private mutating func readHeaders(_ reader: inout PropertyReader, _ cache: inout PropertyCache) {
        guard let table = reader.longBytes() else {
            isMalformed = true
            reader.exhaust()
            return
        }
        var entries = PropertyReader(table)
        while !entries.isAtEnd {
            guard headers.count < Self.headerCountMax, let keyBytes = entries.shortBytes(), let kind = entries.uint8()
            else {
                isMalformed = true
                return
            }
            let position = headers.count
            let key = cache.keys[position].string(keyBytes)
            guard let value = entries.value(kind: kind, last: &cache.values[position]) else {
                isMalformed = true
                return
            }
            if key?.isEmpty ?? true || value.isMalformed { isMalformed = true }
            headers.append((key ?? "", value.value))
            if key == "x-delivery-count", case .int(let count) = value.value { deliveryCount = Int(clamping: count) }
        }
    }
}

/// A text that is mostly the same from message to message: compared first, so that it is neither checked nor allocated again.
struct RepeatedString {
    private var last = ""

    /// Nil when the bytes are no UTF-8.
    mutating func string(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return "" }
        let isSame =
            last.utf8.withContiguousStorageIfAvailable { known in
                guard let base = known.baseAddress else { return false }
                return known.count == bytes.count && memcmp(base, start, known.count) == 0
            } ?? false
        if isSame { return last }
        guard let string = String(validating: bytes, as: UTF8.self) else { return nil }
        last = string
        return string
    }
}

/// The texts of the message before, by place.
struct PropertyCache {
    var contentType = RepeatedString()
    var messageID = RepeatedString()
    var type = RepeatedString()
    var userID = RepeatedString()
    var keys = [RepeatedString](repeating: RepeatedString(), count: MessageProperties.headerCountMax)
    var values = [RepeatedString](repeating: RepeatedString(), count: MessageProperties.headerCountMax)
}

/// Reads forward through bytes that a stranger sent: every step checks its length first.
struct PropertyReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func exhaust() { offset = bytes.count }

    mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= bytes.count - offset else {
            exhaust()
            return nil
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func integer<T: FixedWidthInteger>(_: T.Type) -> T? {
        take(MemoryLayout<T>.size).map { T(bigEndian: $0.loadUnaligned(as: T.self)) }
    }

    mutating func uint8() -> UInt8? { integer(UInt8.self) }
    mutating func uint16() -> UInt16? { integer(UInt16.self) }
    mutating func shortBytes() -> UnsafeRawBufferPointer? { uint8().flatMap { take(Int($0)) } }
    mutating func longBytes() -> UnsafeRawBufferPointer? { integer(UInt32.self).flatMap { take(Int($0)) } }

    /// One field value, with RabbitMQ's reading of the letters. Nil when it is cut or of an unknown kind, so that what follows
    /// cannot be found.
    mutating func value(kind: UInt8, last: inout RepeatedString) -> (value: HeaderValue, isMalformed: Bool)? {
        switch kind {
        case UInt8(ascii: "t"): uint8().map { (.bool($0 != 0), false) }
        case UInt8(ascii: "b"): integer(Int8.self).map { (.int(Int64($0)), false) }
        case UInt8(ascii: "B"): uint8().map { (.int(Int64($0)), false) }
        case UInt8(ascii: "s"): integer(Int16.self).map { (.int(Int64($0)), false) }
        case UInt8(ascii: "u"): uint16().map { (.int(Int64($0)), false) }
        case UInt8(ascii: "I"): integer(Int32.self).map { (.int(Int64($0)), false) }
        case UInt8(ascii: "i"): integer(UInt32.self).map { (.int(Int64($0)), false) }
        case UInt8(ascii: "l"), UInt8(ascii: "L"), UInt8(ascii: "T"): integer(Int64.self).map { (.int($0), false) }
        case UInt8(ascii: "S"): longBytes().map { text($0, &last) }
        case UInt8(ascii: "F"), UInt8(ascii: "A"), UInt8(ascii: "x"): longBytes().map { _ in (.other, false) }
        case UInt8(ascii: "f"): take(4).map { _ in (.other, false) }
        case UInt8(ascii: "d"): take(8).map { _ in (.other, false) }
        case UInt8(ascii: "D"): take(5).map { _ in (.other, false) }
        case UInt8(ascii: "V"): (.other, false)
        default: nil
        }
    }

    private func text(_ bytes: UnsafeRawBufferPointer, _ last: inout RepeatedString) -> (HeaderValue, Bool) {
        guard bytes.count <= MessageProperties.headerTextBytesMax, let string = last.string(bytes) else {
            return (.other, true)
        }
        return (.string(string), false)
    }
}
