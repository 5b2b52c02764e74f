package import FoundationEssentials

/// UUIDv7 (RFC 9562): the time in front keeps B-tree inserts at the right edge of the index.
package enum EventID {
    /// - Parameter now: only orders the identifiers roughly; uniqueness comes from 74 random bits.
    package static func next(at now: Date = Date()) -> UUID {
        let generator = SecureRandom()
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
    package var lowercase: String {
        String(unsafeUninitializedCapacity: Self.characterCount) { characters in
            write { characters[$0] = $1 }
            return Self.characterCount
        }
    }

    func appendLowercase(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.characterCount) { characters in
            write { characters[$0] = $1 }
            bytes.append(contentsOf: characters)
        }
    }

    @inline(__always)
    private func write(_ character: (_ place: Int, UInt8) -> Void) {
        let (high, low) = words
        var shift: UInt64 = 64
        for place in 0..<Self.characterCount {
            guard !Self.isHyphen(place) else {
                character(place, UInt8(ascii: "-"))
                continue
            }
            // The third hyphen stands between the two words.
            if place == 19 { shift = 64 }
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: (place < 18 ? high : low) >> shift & 0xF)
            character(place, digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// Reads the 36 characters of either case. Foundation's own initialiser scans them with `sscanf`, which was an
    /// eighth of the work on a message.
    package init?(characters text: String) { self.init(characters: text.utf8) }

    init?(characters: some Sequence<UInt8>) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        var place = 0
        for character in characters {
            guard place < Self.characterCount else { return nil }
            defer { place += 1 }
            guard !Self.isHyphen(place) else {
                if character != UInt8(ascii: "-") { return nil }
                continue
            }
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
            default: return nil
            }
            if place < 18 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
        }
        guard place == Self.characterCount else { return nil }
        self.init(high: high, low: low)
    }

    /// The 16 bytes as two integers, most significant first: they sort as the bytes do.
    package var words: (high: UInt64, low: UInt64) {
        withUnsafeBytes(of: uuid) { bytes in
            let (high, low) = bytes.loadUnaligned(as: (UInt64, UInt64).self)
            return (UInt64(bigEndian: high), UInt64(bigEndian: low))
        }
    }

    private static let characterCount = 36

    @inline(__always)
    private static func isHyphen(_ place: Int) -> Bool { place == 8 || place == 13 || place == 18 || place == 23 }
}
