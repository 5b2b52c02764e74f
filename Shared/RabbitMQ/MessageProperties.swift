/// The properties of a message, decoded from the bytes of its header frame.
///
/// librabbitmq decodes them too, and its public functions for reading a message fail on an empty key and leave the
/// body's frames behind. So nothing of its decoding is used: every length is checked here, nothing nested is followed,
/// and what is malformed is flagged instead of refused, because a message that cannot be read would be redelivered for
/// ever.
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
    /// Set on what the broker dead-lettered.
    package var death: DeathRecord?
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
            if kind == UInt8(ascii: "A"), death == nil, key == "x-death" {
                var copy = entries
                death = copy.longBytes().flatMap { DeathRecord(decoding: $0) }
            }
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
