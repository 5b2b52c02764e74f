import Events
package import FoundationEssentials

/// How JSON looks in every answer and is read in every request: instants as RFC 3339 in UTC, keys in order.
package enum JSONFormat {
    /// Instants go out with milliseconds, `2026-01-31T09:00:00.000Z`; keys are sorted, so that equal values are equal
    /// bytes: as in events.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        try WireCoding.encode(value)
    }

    /// Instants come in with or without a fraction, and with `Z` or an offset.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let date = date(try container.decode(String.self)) else {
                throw DecodingError.typeMismatch(
                    Date.self,
                    DecodingError.Context(codingPath: container.codingPath, debugDescription: "not an RFC 3339 instant")
                )
            }
            return date
        }
        return try decoder.decode(type, from: Data(bytes))
    }

    /// `2026-01-31T09:00:00.000Z`, the same as in events: rounded to the nearest millisecond, not cut.
    package static func text(_ date: Date) -> String { WireInstant.format(date) }

    /// Reads an RFC 3339 instant; nil when it is none.
    package static func date(_ text: String) -> Date? { WireInstant.parse(text) }
}
