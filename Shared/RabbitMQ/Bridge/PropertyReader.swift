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

    /// One field value, with RabbitMQ's reading of the letters. Nil when it is cut or of an unknown kind, so that what
    /// follows cannot be found.
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
        case UInt8(ascii: "F"), UInt8(ascii: "A"): longBytes().map { _ in (.nested, false) }
        case UInt8(ascii: "x"): longBytes().map { _ in (.other, false) }
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
