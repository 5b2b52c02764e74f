package import FoundationEssentials

extension Bool: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .bool }
    package func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
    package init(_ cell: PostgresCell) throws(PostgresError) {
        self = try cell.integer(.bool, as: UInt8.self) != 0
    }
}

extension Int16: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int2 }
    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    package init(_ cell: PostgresCell) throws(PostgresError) { self = try cell.integer(.int2, as: Int16.self) }
}

extension Int32: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int4 }
    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let isNarrow = cell.type == PostgresType.int2.oid
        self = try isNarrow ? Int32(cell.integer(.int2, as: Int16.self)) : cell.integer(.int4, as: Int32.self)
    }
}

extension Int64: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int8 }
    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    /// Reads every integer column: a narrower one always fits.
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let isWide = cell.type == PostgresType.int8.oid
        self = try isWide ? cell.integer(.int8, as: Int64.self) : Int64(Int32(cell))
    }
}

extension Int: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int8 }
    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: Int64(self)) }
    package init(_ cell: PostgresCell) throws(PostgresError) { self = Int(try Int64(cell)) }
}

extension Double: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .float8 }
    package func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: bitPattern) }
    package init(_ cell: PostgresCell) throws(PostgresError) {
        self = Double(bitPattern: try cell.integer(.float8, as: UInt64.self))
    }
}

extension String: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .text }
    package func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
    /// Reads the text types, `json`, and the enum types of a schema.
    package init(_ cell: PostgresCell) throws(PostgresError) {
        guard PostgresType.isText(cell.type) else { throw cell.mismatch("text") }
        self = String(decoding: try cell.present(), as: UTF8.self)
    }
}

extension UUID: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .uuid }
    package func encode(into bytes: inout [UInt8]) {
        withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
    }
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.value(.uuid)
        guard bytes.count == 16 else { throw cell.malformed() }
        self.init(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}

/// `timestamptz`, which PostgreSQL keeps in whole microseconds: a date is rounded to the nearest.
extension Date: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    /// Seconds from PostgreSQL's epoch (2000-01-01) to Foundation's (2001-01-01).
    private static let epochDistanceSeconds = 366.0 * 86400

    package static var postgresType: PostgresType { .timestamptz }

    package func encode(into bytes: inout [UInt8]) {
        let microseconds = ((timeIntervalSinceReferenceDate + Self.epochDistanceSeconds) * 1_000_000).rounded()
        // What no Int64 can hold becomes one of PostgreSQL's infinities, not a trap; a column's check may refuse those.
        let infinity = microseconds < 0 ? Int64.min : Int64.max
        bytes.append(bigEndian: Int64(exactly: microseconds) ?? infinity)
    }

    package init(_ cell: PostgresCell) throws(PostgresError) {
        let microseconds = try cell.integer(.timestamptz, as: Int64.self)
        guard microseconds != .max, microseconds != .min else {
            throw PostgresError(.decoding, reason: "an infinite instant is no date")
        }
        // Whole seconds and the rest apart: as one Double the last microsecond would be lost.
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let interval = Double(seconds) - Self.epochDistanceSeconds + Double(rest) / 1_000_000
        self.init(timeIntervalSinceReferenceDate: interval)
    }
}
