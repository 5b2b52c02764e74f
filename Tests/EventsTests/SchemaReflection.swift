import Foundation

/// A JSON Schema (draft 2020-12) as a value that keeps its members in order.
indirect enum SchemaNode: Equatable {
    case map([(String, SchemaNode)])
    case list([SchemaNode])
    case text(String)
    case number(Int)
    case flag(Bool)

    static func == (left: SchemaNode, right: SchemaNode) -> Bool { left.yaml() == right.yaml() }
}

/// Derives the schema of a `Decodable` type by decoding it from a source that answers every question with a sample and
/// notes what was asked: the schema is what the code reads, and cannot drift from it.
enum SchemaReflection {
    static func schema<T: Decodable>(of type: T.Type) throws -> SchemaNode {
        try sample(type).schema
    }

    static func sample<T: Decodable>(_ type: T.Type) throws -> (value: T, schema: SchemaNode) {
        if let known = knownSample(type) { return known }
        let decoder = ReflectingDecoder()
        let value = try T(from: decoder)
        return (value, decoder.record.schema)
    }

    private static func knownSample<T>(_ type: T.Type) -> (value: T, schema: SchemaNode)? {
        func known(_ value: Any, _ members: [(String, SchemaNode)]) -> (T, SchemaNode)? {
            (value as? T).map { ($0, .map(members)) }
        }
        switch type {
        case is String.Type: return known("", [("type", .text("string"))])
        case is Bool.Type: return known(false, [("type", .text("boolean"))])
        case is Int.Type: return known(0, [("type", .text("integer"))])
        case is Int64.Type: return known(Int64(0), [("type", .text("integer")), ("format", .text("int64"))])
        case is UUID.Type: return known(UUID(), [("type", .text("string")), ("format", .text("uuid"))])
        case is Date.Type: return known(Date(), [("type", .text("string")), ("format", .text("date-time"))])
        case is [String: Int64].Type:
            let values = SchemaNode.map([("type", .text("integer")), ("format", .text("int64"))])
            return known([String: Int64](), [("type", .text("object")), ("additionalProperties", values)])
        default:
            guard let cases = enumeration(type), let first = cases.values.first else { return nil }
            return known(first, [("type", .text("string")), ("enum", .list(cases.names.map { .text($0) }))])
        }
    }

    private static func enumeration(_ type: Any.Type) -> (values: [Any], names: [String])? {
        guard let type = type as? any (CaseIterable & RawRepresentable<String>).Type else { return nil }
        func cases<E: CaseIterable & RawRepresentable<String>>(_ type: E.Type) -> ([Any], [String]) {
            (Array(E.allCases), E.allCases.map(\.rawValue))
        }
        return cases(type)
    }
}

/// What one `init(from:)` asked for.
private final class SchemaRecord {
    var properties: [(String, SchemaNode)] = []
    var required: [String] = []
    var items: SchemaNode?
    var single: SchemaNode?
    var isNullable = false

    var schema: SchemaNode {
        if let single {
            return isNullable ? .map([("anyOf", .list([single, .map([("type", .text("null"))])]))]) : single
        }
        if let items { return .map([("type", .text("array")), ("items", items)]) }
        return .map([
            ("type", .text("object")), ("additionalProperties", .flag(false)),
            ("required", .list(required.map { .text($0) })), ("properties", .map(properties)),
        ])
    }
}

private struct ReflectingDecoder: Decoder {
    let record = SchemaRecord()
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(record: record))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { Unkeyed(record: record) }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(record: record) }

    struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let record: SchemaRecord
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }
        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) throws -> Bool { false }
        func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
            record.required.append(key.stringValue)
            return try note(type, key)
        }
        func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? { try note(type, key) }
        // The overloads for primitive types would otherwise go to `decode` and count as required.
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try note(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try note(type, key) }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try note(type, key) }
        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try note(type, key) }
        private func note<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T {
            let (value, schema) = try SchemaReflection.sample(type)
            record.properties.append((key.stringValue, schema))
            return value
        }
        func nestedContainer<N: CodingKey>(keyedBy: N.Type, forKey: Key) throws -> KeyedDecodingContainer<N> {
            throw Unsupported()
        }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw Unsupported() }
        func superDecoder() throws -> any Decoder { throw Unsupported() }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw Unsupported() }
    }

    struct Unkeyed: UnkeyedDecodingContainer {
        let record: SchemaRecord
        var codingPath: [any CodingKey] { [] }
        var count: Int? { 1 }
        var currentIndex = 0
        var isAtEnd: Bool { currentIndex == 1 }
        init(record: SchemaRecord) { self.record = record }
        mutating func decodeNil() throws -> Bool { false }
        mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
            let (value, schema) = try SchemaReflection.sample(type)
            record.items = schema
            currentIndex = 1
            return value
        }
        mutating func nestedContainer<N: CodingKey>(keyedBy: N.Type) throws -> KeyedDecodingContainer<N> {
            throw Unsupported()
        }
        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unsupported() }
        mutating func superDecoder() throws -> any Decoder { throw Unsupported() }
    }

    struct Single: SingleValueDecodingContainer {
        let record: SchemaRecord
        var codingPath: [any CodingKey] { [] }
        func decodeNil() -> Bool {
            record.isNullable = true
            return false
        }
        func decode<T: Decodable>(_ type: T.Type) throws -> T {
            let (value, schema) = try SchemaReflection.sample(type)
            record.single = schema
            return value
        }
    }

    struct Unsupported: Error, CustomStringConvertible {
        var description: String { "payloads are plain structs: write no init(from:) of their own" }
    }
}
