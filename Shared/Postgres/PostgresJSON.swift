package import FoundationEssentials

/// A `jsonb` value as its JSON text.
package struct PostgresJSON: Hashable, Sendable {
    /// JSON in UTF-8.
    package let bytes: [UInt8]

    /// - Parameter bytes: JSON in UTF-8; PostgreSQL refuses the statement when it is not.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameter encoder: the default writes dates as seconds since 2001, which is exact but unreadable in SQL.
    package init(encoding value: some Encodable, with encoder: JSONEncoder = JSONEncoder()) throws {
        bytes = [UInt8](try encoder.encode(value))
    }

    /// - Parameter decoder: must fit the encoder that wrote the value.
    package func decode<Value: Decodable>(
        _ type: Value.Type, with decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        try decoder.decode(type, from: Data(bytes))
    }
}

extension PostgresJSON: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    /// The version of jsonb's binary form, before the text.
    private static let formatVersion: UInt8 = 1

    package static var postgresType: PostgresType { .jsonb }

    package func encode(into bytes: inout [UInt8]) {
        bytes.append(Self.formatVersion)
        bytes.append(contentsOf: self.bytes)
    }

    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.value(.jsonb)
        guard bytes.first == Self.formatVersion else { throw cell.malformed() }
        self.bytes = [UInt8](bytes.dropFirst())
    }
}
