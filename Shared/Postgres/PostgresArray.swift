package import FoundationEssentials

/// An SQL array that is built value by value in its binary form, for the statements that carry whole batches as columns
/// (`unnest`). It makes no Swift value per element, and ``removeAll(keepingCapacity:)`` lets one serve every batch.
///
/// Appending a value of another type than the array's is a programming error and traps.
package struct PostgresArray: PostgresEncodable {
    package enum ElementType: Sendable {
        case bool, int2, int4, int8, float8, text, uuid, timestamptz, bytea, jsonb

        var type: PostgresType {
            switch self {
            case .bool: .bool
            case .int2: .int2
            case .int4: .int4
            case .int8: .int8
            case .float8: .float8
            case .text: .text
            case .uuid: .uuid
            case .timestamptz: .timestamptz
            case .bytea: .bytea
            case .jsonb: .jsonb
            }
        }
    }

    package let elementType: ElementType
    /// Elements so far, nulls included.
    package private(set) var count = 0
    private var hasNull = false
    private var bytes: [UInt8] = []

    /// - Parameter reserving: the number of elements to expect.
    package init(_ type: ElementType, reserving elementCount: Int = 0) {
        elementType = type
        bytes.reserveCapacity([UInt8].arrayHeaderCount + elementCount * 20)
        writeHeader()
    }

    package mutating func removeAll(keepingCapacity: Bool = true) {
        (count, hasNull) = (0, false)
        bytes.removeAll(keepingCapacity: keepingCapacity)
        writeHeader()
    }

    package mutating func appendNull() {
        count += 1
        hasNull = true
        bytes.append(bigEndian: Int32(-1))
    }

    package mutating func append(bool value: Bool) { append(value, to: .bool, byteCount: 1) }
    package mutating func append(int2 value: Int16) { append(value, to: .int2, byteCount: 2) }
    package mutating func append(int4 value: Int32) { append(value, to: .int4, byteCount: 4) }
    package mutating func append(int8 value: Int64) { append(value, to: .int8, byteCount: 8) }
    package mutating func append(float8 value: Double) { append(value, to: .float8, byteCount: 8) }
    package mutating func append(uuid value: UUID) { append(value, to: .uuid, byteCount: 16) }
    package mutating func append(date value: Date) { append(value, to: .timestamptz, byteCount: 8) }

    package mutating func append(json value: PostgresJSON) {
        append(value, to: .jsonb, byteCount: value.bytes.count + 1)
    }

    /// - Parameter utf8: text in valid UTF-8 without NUL: PostgreSQL refuses the whole statement otherwise.
    package mutating func append(utf8: UnsafeRawBufferPointer) {
        require(.text)
        count += 1
        bytes.append(bigEndian: Int32(utf8.count))
        bytes.append(contentsOf: utf8)
    }

    /// - Parameter utf8: text in valid UTF-8 without NUL: PostgreSQL refuses the whole statement otherwise.
    package mutating func append(utf8: Span<UInt8>) {
        utf8.withUnsafeBytes { append(utf8: $0) }
    }

    package mutating func append(text: String) {
        append(text, to: .text, byteCount: text.utf8.count)
    }

    package mutating func append(bytes value: UnsafeRawBufferPointer) {
        require(.bytea)
        count += 1
        bytes.append(bigEndian: Int32(value.count))
        bytes.append(contentsOf: value)
    }

    @inline(__always)
    private mutating func append(_ value: some PostgresEncodable, to type: ElementType, byteCount: Int) {
        require(type)
        count += 1
        bytes.append(bigEndian: Int32(byteCount))
        value.encode(into: &bytes)
    }

    private func require(_ type: ElementType) {
        precondition(elementType == type, "a value of type \(type) was appended to an array of \(elementType)")
    }

    /// Lends every element as it stands in the array's binary form: its length, 4 bytes, -1 for null, and its bytes.
    func withElements(_ body: (_ index: Int, _ element: UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes { bytes in
            var place = [UInt8].arrayHeaderCount
            for index in 0..<count {
                let length = Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int32.self))
                let end = place + 4 + Int(max(length, 0))
                body(index, UnsafeRawBufferPointer(rebasing: bytes[place..<end]))
                place = end
            }
        }
    }

    private mutating func writeHeader() {
        bytes.appendArrayHeader(of: elementType.type, count: 0, hasNull: false)
    }

    // MARK: PostgresEncodable. The element type is known at run time only, so the query asks the value, not its type.

    package static var postgresType: PostgresType { PostgresType(oid: 0, arrayOID: 0) }

    var arrayType: PostgresType { elementType.type.array }

    package func encode(into target: inout [UInt8]) {
        let start = target.count
        target.append(contentsOf: bytes)
        target.replace(bigEndian: hasNull ? 1 : 0, at: start + 4)
        target.replace(bigEndian: Int32(count), at: start + 12)
    }
}
