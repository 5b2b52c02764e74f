package import FoundationEssentials

/// UUIDv7 (RFC 9562): the time in front keeps B-tree inserts at the right edge of the index.
package enum EventID {
    /// - Parameter now: only orders the identifiers roughly; uniqueness comes from 74 random bits.
    package static func next(at now: Date = Date()) -> UUID {
        var generator = SystemRandomNumberGenerator()
        let milliseconds = UInt64(max(0, now.timeIntervalSince1970 * 1000))
        let high = milliseconds << 16 | 0x7000 | (generator.next() & 0x0FFF)
        let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return UUID(high: high, low: low)
    }
}

extension UUID {
    /// The identifier whose 16 bytes are the two integers, most significant byte first.
    package init(high: UInt64, low: UInt64) {
        let (h, l) = (high.bigEndian, low.bigEndian)
        self = withUnsafeBytes(of: (h, l)) { $0.loadUnaligned(as: UUID.self) }
    }

    /// As everywhere in this system: 36 characters in lower case.
    package var lowercase: String { uuidString.lowercased() }
}
