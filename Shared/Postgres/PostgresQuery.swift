/// SQL with typed parameters, written as a literal:
///
///     "select state from grants where id = \(id) and kind = any(\(kinds))"
///
/// Every interpolated value becomes a parameter (`$1`, `$2`, …) in binary form; `\(identifier: name)` quotes a name.
/// `\(shared: piece)` repeats a constant.
/// The literal parts are `StaticString`, so the compiler refuses a text that was put together at run time: data cannot
/// become SQL. A connection prepares a text once and keeps the plan (256 texts, the least recently used goes first).
package struct PostgresQuery: ExpressibleByStringInterpolation, Sendable {
    /// UTF-8 with a NUL at its end, as libpq takes it.
    let text: [UInt8]
    let parameters: PostgresParameters

    package init(stringLiteral value: StaticString) {
        text = value.withUTF8Buffer { [UInt8](unsafeUninitializedCapacity: $0.count + 1, copying: $0) }
        parameters = PostgresParameters()
    }

    package init(stringInterpolation: StringInterpolation) {
        var text = stringInterpolation.text
        text.append(0)
        self.text = text
        parameters = stringInterpolation.parameters
    }

    /// Whether the text begins with `select`, so that nothing is unclear when its answer is lost. Functions that write
    /// belong into a transaction.
    var isSelect: Bool {
        let first = text.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.prefix(6)
        return first.elementsEqual("select".utf8) { $0 | 0x20 == $1 }
    }

    /// For the limits on what is sent at once.
    var byteCount: Int { text.count + parameters.bytes.count + parameters.count * 4 }

    /// The beginning of the text, to name the statement in an error. It holds no values: those are parameters.
    var summary: String {
        let words = String(decoding: text.dropLast(), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        let line = words.prefix(12).joined(separator: " ")
        return line.count > 60 ? line.prefix(60) + "…" : line
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        var text: [UInt8] = []
        var parameters = PostgresParameters()

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 3 + 1)
            parameters.reserve(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: StaticString) {
            literal.withUTF8Buffer { text.append(contentsOf: $0) }
        }

        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
            parameters.append(value, type: Value.postgresType)
            appendPlaceholder()
        }

        /// An optional is meant as one: nil is null. (Without this overload the compiler warns of every optional.)
        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            parameters.append(value, type: Value.postgresType)
            appendPlaceholder()
        }

        package mutating func appendInterpolation(_ array: PostgresArray) {
            parameters.append(array, type: array.arrayType)
            appendPlaceholder()
        }

        /// A piece of SQL that several statements share; a constant of the program, as the literal parts are.
        package mutating func appendInterpolation(shared piece: StaticString) { appendLiteral(piece) }

        /// A name of a table, column or schema. A NUL, which would end the text, is left out.
        package mutating func appendInterpolation(identifier name: String) {
            text.append(UInt8(ascii: "\""))
            for byte in name.utf8 where byte != 0 {
                if byte == UInt8(ascii: "\"") { text.append(byte) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }

        private mutating func appendPlaceholder() {
            text.append(UInt8(ascii: "$"))
            text.append(contentsOf: String(parameters.count).utf8)
        }
    }
}

/// The parameters of one query: all binary forms in one buffer, so that a query costs three arrays and not one per
/// value.
struct PostgresParameters: Sendable {
    private(set) var bytes: [UInt8] = []
    /// -1 is null.
    private(set) var lengths: [Int32] = []
    private(set) var types: [UInt32] = []

    var count: Int { lengths.count }

    mutating func reserve(_ count: Int) {
        lengths.reserveCapacity(count)
        types.reserveCapacity(count)
        bytes.reserveCapacity(count * 16)
    }

    mutating func append(_ value: some PostgresEncodable, type: PostgresType) {
        types.append(type.oid)
        guard !value.isPostgresNull else { return lengths.append(-1) }
        let start = bytes.count
        value.encode(into: &bytes)
        lengths.append(Int32(clamping: bytes.count - start))
    }
}

extension [UInt8] {
    /// The bytes and a NUL.
    fileprivate init(unsafeUninitializedCapacity capacity: Int, copying source: UnsafeBufferPointer<UInt8>) {
        self.init(unsafeUninitializedCapacity: capacity) { target, count in
            _ = target.update(fromContentsOf: source)
            target[source.count] = 0
            count = capacity
        }
    }
}
