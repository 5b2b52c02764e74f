/// The rows of one result, copied out of libpq once: all values lie in one buffer, and a row is a view of it.
package struct PostgresRows: Sendable {
    /// The rows that the statement inserted, changed, deleted or returned.
    package let affectedCount: Int
    private let rowCount: Int
    fileprivate let storage: RowStorage?

    init(affectedCount: Int, rowCount: Int = 0, storage: RowStorage? = nil) {
        self.affectedCount = affectedCount
        self.rowCount = rowCount
        self.storage = storage
    }
}

extension PostgresRows: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { rowCount }

    package subscript(position: Int) -> PostgresRow {
        guard let storage, position >= 0, position < rowCount else {
            preconditionFailure("row \(position) was asked of a result of \(rowCount) rows")
        }
        return PostgresRow(storage: storage, index: position)
    }
}

/// One row of a result.
package struct PostgresRow: Sendable {
    fileprivate let storage: RowStorage
    fileprivate let index: Int

    /// The value of a column.
    /// - Parameter column: the name as the result has it; of two columns of one name the first is read.
    /// - Throws: `PostgresError.decoding`, which names the column and never the value.
    package func get<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let position = storage.columns.position(of: column) else {
            throw PostgresError(.decoding, reason: "the result has no column \(column)")
        }
        do {
            return try storage.decode(row: index, column: position)
        } catch {
            throw PostgresError(.decoding, reason: "column \(column): \(error.reason ?? "cannot be decoded")")
        }
    }

    /// The value of a column as an enum of ours, by its raw value.
    package func get<Value: RawRepresentable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value where Value.RawValue: PostgresDecodable {
        guard let value = Value(rawValue: try get(column, as: Value.RawValue.self)) else {
            throw PostgresError(.decoding, reason: "column \(column): \(Value.self) has no case of that raw value")
        }
        return value
    }

    /// The value of a column that may be null as an enum of ours, by its raw value.
    package func get<Value: RawRepresentable>(
        _ column: String, as type: Value?.Type = Value?.self
    ) throws(PostgresError) -> Value? where Value.RawValue: PostgresDecodable {
        guard let rawValue = try get(column, as: Value.RawValue?.self) else { return nil }
        guard let value = Value(rawValue: rawValue) else {
            throw PostgresError(.decoding, reason: "column \(column): \(Value.self) has no case of that raw value")
        }
        return value
    }
}

/// What the columns of a result are called and of which type they are. A prepared statement keeps it, since it cannot
/// change without the statement becoming stale.
final class ResultColumns: Sendable {
    let names: [String]
    let types: [UInt32]

    init(names: [String], types: [UInt32]) {
        self.names = names
        self.types = types
    }

    /// Linear: results have few columns, and most names are short enough to be compared as two words.
    func position(of name: String) -> Int? { names.firstIndex(of: name) }
}

/// The bytes of a result and where each value lies in them.
final class RowStorage: Sendable {
    struct Cell {
        let start: Int32
        /// -1 is null.
        let length: Int32
    }

    let columns: ResultColumns
    private let bytes: [UInt8]
    /// Row by row.
    private let cells: [Cell]

    init(columns: ResultColumns, bytes: [UInt8], cells: [Cell]) {
        self.columns = columns
        self.bytes = bytes
        self.cells = cells
    }

    func decode<Value: PostgresDecodable>(row: Int, column: Int) throws(PostgresError) -> Value {
        let cell = cells[row * columns.types.count + column]
        let type = columns.types[column]
        guard cell.length >= 0 else { return try Value(PostgresCell(bytes: nil, type: type)) }
        let range = Int(cell.start)..<Int(cell.start + cell.length)
        // `withUnsafeBytes` of an array rethrows without a type.
        let value: Result<Value, PostgresError> = bytes.withUnsafeBytes { bytes in
            let cell = PostgresCell(bytes: UnsafeRawBufferPointer(rebasing: bytes[range]), type: type)
            do throws(PostgresError) { return .success(try Value(cell)) } catch { return .failure(error) }
        }
        return try value.get()
    }
}
