/// A Swift value that can be a parameter of a query.
package protocol PostgresEncodable: Sendable {
    static var postgresType: PostgresType { get }
    var isPostgresNull: Bool { get }
    /// Appends the binary form. Not called for null.
    func encode(into bytes: inout [UInt8])
}

/// A Swift value that can be read from a column.
package protocol PostgresDecodable: Sendable {
    /// - Throws: `PostgresError.decoding` when the column has another type, is null, or its value does not fit.
    init(_ cell: PostgresCell) throws(PostgresError)
}

extension PostgresEncodable {
    package var isPostgresNull: Bool { false }
}

/// One value of a result in its binary form. It points into the result's bytes and is valid inside the initialiser that
/// receives it, no longer.
package struct PostgresCell {
    /// nil is null.
    let bytes: UnsafeRawBufferPointer?
    let type: UInt32

    /// The bytes of a value that must not be null and must have this type.
    func value(_ expected: PostgresType) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard type == expected.oid else { throw mismatch(PostgresType.name(of: expected.oid)) }
        return try present()
    }

    func present() throws(PostgresError) -> UnsafeRawBufferPointer {
        guard let bytes else {
            throw PostgresError(.decoding, reason: "the value is null: decode an optional or exclude null in the query")
        }
        return bytes
    }

    func integer<Number: FixedWidthInteger>(_ expected: PostgresType, as: Number.Type) throws(PostgresError) -> Number {
        let bytes = try value(expected)
        guard bytes.count == Number.bitWidth / 8 else { throw malformed() }
        return Number(bigEndian: bytes.loadUnaligned(as: Number.self))
    }

    func mismatch(_ wanted: String) -> PostgresError {
        let reason = "the column is \(PostgresType.name(of: type)), not \(wanted): cast it in the query"
        return PostgresError(.decoding, reason: reason)
    }

    func malformed() -> PostgresError {
        PostgresError(.decoding, reason: "the binary form of \(PostgresType.name(of: type)) is malformed")
    }
}

extension [UInt8] {
    /// Appends the bytes of an integer in network order.
    @inline(__always)
    mutating func append(bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }

    /// Writes an integer in network order over the bytes at `offset`.
    mutating func replace(bigEndian number: Int32, at offset: Int) {
        withUnsafeMutableBytes { $0.storeBytes(of: number.bigEndian, toByteOffset: offset, as: Int32.self) }
    }
}
