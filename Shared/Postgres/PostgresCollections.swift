/// What an SQL array can be made of. It exists beside ``PostgresEncodable`` because `[UInt8]` is no array in SQL but
/// one `bytea`, and Swift allows `Array` a single conformance.
package protocol PostgresArrayElement: Sendable {
    static var postgresArrayType: PostgresType { get }
    static func encode(elements: [Self], into bytes: inout [UInt8])
    static func decodeElements(_ cell: PostgresCell) throws(PostgresError) -> [Self]
}

extension PostgresArrayElement where Self: PostgresEncodable & PostgresDecodable {
    package static var postgresArrayType: PostgresType { postgresType.array }

    package static func encode(elements: [Self], into bytes: inout [UInt8]) {
        let hasNull = elements.contains { $0.isPostgresNull }
        bytes.appendArrayHeader(of: postgresType, count: elements.count, hasNull: hasNull)
        for element in elements {
            let start = bytes.count
            bytes.append(bigEndian: Int32(-1))
            guard !element.isPostgresNull else { continue }
            element.encode(into: &bytes)
            bytes.replace(bigEndian: Int32(bytes.count - start - 4), at: start)
        }
    }

    package static func decodeElements(_ cell: PostgresCell) throws(PostgresError) -> [Self] {
        var reader = ArrayReader(bytes: try cell.present(), cell: cell)
        let count = try reader.header()
        var elements: [Self] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try Self(try reader.element())) }
        return elements
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }
    package func encode(into bytes: inout [UInt8]) { Element.encode(elements: self, into: &bytes) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    package init(_ cell: PostgresCell) throws(PostgresError) { self = try Element.decodeElements(cell) }
}

/// `[UInt8]` is one `bytea`.
extension UInt8: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .bytea }
    package static func encode(elements: [UInt8], into bytes: inout [UInt8]) { bytes.append(contentsOf: elements) }
    package static func decodeElements(_ cell: PostgresCell) throws(PostgresError) -> [UInt8] {
        [UInt8](try cell.value(.bytea))
    }
}

/// `[[UInt8]]` is a `bytea[]`.
extension Array: PostgresArrayElement where Element == UInt8 {}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package var isPostgresNull: Bool { self?.isPostgresNull ?? true }
    package func encode(into bytes: inout [UInt8]) { self?.encode(into: &bytes) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        self = try cell.bytes == nil ? nil : Wrapped(cell)
    }
}

extension Optional: PostgresArrayElement
where Wrapped: PostgresArrayElement & PostgresEncodable & PostgresDecodable {}

extension [UInt8] {
    /// The length of ``appendArrayHeader(of:count:hasNull:)``.
    static var arrayHeaderCount: Int { 20 }

    /// One dimension from 1: dimensions, whether there is a null, the element's type, the count, the lower bound.
    mutating func appendArrayHeader(of type: PostgresType, count: Int, hasNull: Bool) {
        append(bigEndian: Int32(1))
        append(bigEndian: Int32(hasNull ? 1 : 0))
        append(bigEndian: type.oid)
        append(bigEndian: Int32(count))
        append(bigEndian: Int32(1))
    }
}

/// Walks the binary form of an array; every length in it is checked before it is used.
private struct ArrayReader {
    let bytes: UnsafeRawBufferPointer
    let cell: PostgresCell
    var offset = 0
    var elementType: UInt32 = 0

    init(bytes: UnsafeRawBufferPointer, cell: PostgresCell) {
        self.bytes = bytes
        self.cell = cell
    }

    /// - Returns: the number of elements.
    mutating func header() throws(PostgresError) -> Int {
        let dimensions = try integer()
        _ = try integer()
        elementType = UInt32(bitPattern: try integer())
        guard dimensions != 0 else { return 0 }
        guard dimensions == 1 else {
            throw PostgresError(.decoding, reason: "the array has \(dimensions) dimensions, not one")
        }
        let count = try integer()
        _ = try integer()
        // Each element has four bytes at least: a count beyond that would only reserve memory.
        guard count >= 0, Int(count) <= bytes.count / 4 else { throw cell.malformed() }
        return Int(count)
    }

    mutating func element() throws(PostgresError) -> PostgresCell {
        let length = Int(try integer())
        guard length >= 0 else { return PostgresCell(bytes: nil, type: elementType) }
        guard length <= bytes.count - offset else { throw cell.malformed() }
        defer { offset += length }
        return PostgresCell(bytes: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]), type: elementType)
    }

    private mutating func integer() throws(PostgresError) -> Int32 {
        guard bytes.count - offset >= 4 else { throw cell.malformed() }
        defer { offset += 4 }
        return Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
}
