/// Rows of one table, built column by column, which go into it in one of two ways: by a statement that leaves out what
/// is there already, or by COPY, which takes half of the server's work and fails over a row that is there
/// (``PostgresSession/load(_:)``).
package struct PostgresTableRows: Sendable {
    let table: String
    let columns: [(name: String, values: PostgresArray)]

    package var count: Int { columns.first?.values.count ?? 0 }
    package var isEmpty: Bool { count == 0 }

    /// - Parameter columns: of equal lengths; their types must be the table's.
    package init(_ table: String, _ columns: KeyValuePairs<String, PostgresArray>) {
        self.table = table
        self.columns = columns.map { (name: $0.key, values: $0.value) }
        precondition(self.columns.allSatisfy { $0.values.count == self.columns[0].values.count }, "ragged columns")
    }

    /// A statement whose count of affected rows tells how many were not there.
    package var insertNew: PostgresQuery { insert(" on conflict do nothing") }

    /// A statement that fails over a row that is there.
    var insertAll: PostgresQuery { insert("") }

    private func insert(_ end: StaticString) -> PostgresQuery {
        var text = PostgresQuery.StringInterpolation(literalCapacity: 400, interpolationCount: columns.count)
        text.appendLiteral("insert into ")
        appendTarget(to: &text)
        text.appendLiteral(" select * from unnest(")
        for (place, column) in columns.enumerated() {
            if place > 0 { text.appendLiteral(", ") }
            text.appendInterpolation(column.values)
        }
        text.appendLiteral(")")
        text.appendLiteral(end)
        return PostgresQuery(stringInterpolation: text)
    }

    private func appendTarget(to text: inout PostgresQuery.StringInterpolation) {
        text.appendInterpolation(identifier: table)
        text.appendLiteral(" (")
        for (place, column) in columns.enumerated() {
            if place > 0 { text.appendLiteral(", ") }
            text.appendInterpolation(identifier: column.name)
        }
        text.appendLiteral(")")
    }

    // MARK: COPY

    var copyCommand: String {
        var text = PostgresQuery.StringInterpolation(literalCapacity: 400, interpolationCount: 0)
        text.appendLiteral("copy ")
        appendTarget(to: &text)
        text.appendLiteral(" from stdin (format binary)")
        return String(decoding: text.text, as: UTF8.self)
    }

    var copyColumns: [PostgresColumn] { columns.map { PostgresColumn($0.name, $0.values.elementType) } }

    /// All rows as COPY takes them. A value has the same form there as in an array, so that whole values are moved:
    /// first each row's place is counted, then one column is filled in after the other.
    var copyBytes: [UInt8] {
        let fieldCountBytes = 2
        var places = [Int](repeating: fieldCountBytes, count: count)
        for column in columns {
            column.values.withElements { row, element in places[row] += element.count }
        }
        var end = PostgresRowWriter.header.count
        for row in places.indices {
            let size = places[row]
            places[row] = end
            end += size
        }
        var bytes = [UInt8](repeating: 0, count: end)
        bytes.replaceSubrange(0..<PostgresRowWriter.header.count, with: PostgresRowWriter.header)
        bytes.withUnsafeMutableBytes { bytes in
            let fieldCount = Int16(columns.count).bigEndian
            for row in places.indices {
                bytes.storeBytes(of: fieldCount, toByteOffset: places[row], as: Int16.self)
                places[row] += fieldCountBytes
            }
            for column in columns {
                column.values.withElements { row, element in
                    UnsafeMutableRawBufferPointer(rebasing: bytes[places[row]...]).copyMemory(from: element)
                    places[row] += element.count
                }
            }
        }
        bytes.append(bigEndian: Int16(-1))
        return bytes
    }
}
