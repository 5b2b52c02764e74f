package import FoundationEssentials

/// Writes JSON byte by byte, for the few types that make up nearly all of what the services say: `JSONEncoder` builds a
/// tree of every value first, which was a quarter of the work on a response.
///
/// Members are to be written in the order of their keys, as ``WireCoding`` sorts them.
package struct JSONWriter {
    private(set) package var bytes: [UInt8] = []

    package init(reserving byteCount: Int = 256) { bytes.reserveCapacity(byteCount) }

    package mutating func object(_ members: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    package mutating func array<Elements: Sequence>(
        _ elements: Elements, _ write: (inout JSONWriter, Elements.Element) -> Void
    ) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            write(&self, element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Begins a member; its value is to be written next.
    package mutating func key(_ key: StaticString) {
        // A value never ends like that, so the byte before says whether another member came before.
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    /// The same for a name that is not known beforehand.
    package mutating func key(_ key: String) {
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
        value(key)
        bytes.append(UInt8(ascii: ":"))
    }

    package mutating func member(_ key: StaticString, _ text: String) {
        self.key(key)
        value(text)
    }

    /// Nothing where there is no value.
    package mutating func member(_ key: StaticString, _ text: String?) {
        if let text { member(key, text) }
    }

    package mutating func member(_ key: StaticString, _ number: Int) {
        self.key(key)
        value(number)
    }

    package mutating func member(_ key: StaticString, _ identifier: UUID) {
        self.key(key)
        bytes.append(UInt8(ascii: "\""))
        identifier.appendLowercase(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func member(_ key: StaticString, _ instant: Date) {
        self.key(key)
        bytes.append(UInt8(ascii: "\""))
        WireInstant.append(instant, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    package mutating func null() { bytes.append(contentsOf: "null".utf8) }

    package mutating func value<Number: FixedWidthInteger>(_ number: Number) {
        if number >= 0, number < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
        } else {
            bytes.append(contentsOf: String(number).utf8)
        }
    }

    package mutating func value(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        defer { bytes.append(UInt8(ascii: "\"")) }
        let isPlain = text.utf8.withContiguousStorageIfAvailable { utf8 in
            let isPlain = utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            if isPlain { bytes.append(contentsOf: utf8) }
            return isPlain
        }
        if isPlain == true { return }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20: escape(byte)
            default: bytes.append(byte)
            }
        }
    }

    private mutating func escape(_ control: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch control {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            bytes.append(contentsOf: control < 0x10 ? "u000".utf8 : "u001".utf8)
            let digit = control & 0x0F
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}

/// What is written without `JSONEncoder`, to the same bytes.
package protocol WireWritable: Encodable {
    func write(to writer: inout JSONWriter)
}

extension Array: WireWritable where Element: WireWritable {
    package func write(to writer: inout JSONWriter) {
        writer.array(self) { $1.write(to: &$0) }
    }
}

/// What is read without `JSONDecoder` where it stands as we write it.
package protocol WireReadable: Decodable {
    /// nil where anything is missing, too much or of another form: the general decoder says what is wrong, if anything
    /// is.
    init?(_ members: JSONMembers)
}
