import CLibPQ

/// One `PGresult`, read where it arrives and never kept: the connection frees it at once.
struct PostgresResult {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    var status: ExecStatusType { PQresultStatus(pointer) }

    /// What the statement did in the server's words: `COMMIT`, `ROLLBACK`, `INSERT 0 1`.
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    /// Copies the rows into one buffer.
    /// - Parameter known: the columns, when the statement ran before.
    func rows(known: ResultColumns?) throws(PostgresError) -> PostgresRows {
        let affectedCount = Int(String(cString: PQcmdTuples(pointer))) ?? 0
        let rowCount = Int(PQntuples(pointer))
        let columnCount = Int(PQnfields(pointer))
        guard rowCount > 0, columnCount > 0 else {
            return PostgresRows(affectedCount: affectedCount, rowCount: rowCount, storage: emptyStorage(rowCount))
        }
        var cells: [RowStorage.Cell] = []
        cells.reserveCapacity(rowCount * columnCount)
        var byteCount = 0
        for row in 0..<Int32(rowCount) {
            for column in 0..<Int32(columnCount) {
                let isNull = PQgetisnull(pointer, row, column) == 1
                let length = isNull ? -1 : PQgetlength(pointer, row, column)
                cells.append(RowStorage.Cell(start: Int32(truncatingIfNeeded: byteCount), length: length))
                byteCount += Int(max(0, length))
            }
        }
        guard byteCount <= Int(Int32.max) else {
            throw PostgresError(.decoding, reason: "the result has more than 2 GiB: ask for fewer rows at a time")
        }
        let bytes = copy(cells, columnCount: columnCount, byteCount: byteCount)
        let storage = RowStorage(columns: known ?? columns(), bytes: bytes, cells: cells)
        return PostgresRows(affectedCount: affectedCount, rowCount: rowCount, storage: storage)
    }

    func columns() -> ResultColumns {
        let positions = 0..<PQnfields(pointer)
        return ResultColumns(
            names: positions.map { PQfname(pointer, $0).map { String(cString: $0) } ?? "" },
            types: positions.map { PQftype(pointer, $0) })
    }

    /// The server's error, split into what may be shown and what may hold values.
    var error: PostgresError {
        let primary = field("M") ?? String(cString: PQresultErrorMessage(pointer))
        let detail = [primary, field("D"), field("H")].compactMap { $0 }.joined(separator: " / ")
        let sqlState = field("C")
        let error = PostgresError(
            .server, sqlState: sqlState, constraint: field("n"), reason: copyLine.map { "line \($0) of the COPY" },
            detail: detail)
        return switch sqlState {
        // Our own statement_timeout on the server; a cancellation that we asked for is told by who asked.
        case "57014": error.with(.deadlineExceeded)
        case let state? where state.hasPrefix("57P") || state.hasPrefix("08"): error.with(.connectionLost)
        default: error
        }
    }

    /// A row without columns is a row all the same (`select from …`).
    private func emptyStorage(_ rowCount: Int) -> RowStorage? {
        rowCount > 0 ? RowStorage(columns: ResultColumns(names: [], types: []), bytes: [], cells: []) : nil
    }

    private func copy(_ cells: [RowStorage.Cell], columnCount: Int, byteCount: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            let target = UnsafeMutableRawBufferPointer(target)
            for (position, cell) in cells.enumerated() where cell.length > 0 {
                let (row, column) = position.quotientAndRemainder(dividingBy: columnCount)
                let source = UnsafeRawBufferPointer(
                    start: PQgetvalue(pointer, Int32(row), Int32(column)), count: Int(cell.length))
                UnsafeMutableRawBufferPointer(rebasing: target[Int(cell.start)...]).copyMemory(from: source)
            }
            count = byteCount
        }
    }

    /// The line at which COPY failed. The server tells it in its context, beside the line's contents: only the number
    /// leaves here.
    private var copyLine: Int? {
        guard let lines = field("W")?.split(separator: "\n"),
            let context = lines.first(where: { $0.hasPrefix("COPY ") })
        else { return nil }
        let marker = ", line "
        var rest = context[...]
        while !rest.isEmpty {
            if rest.hasPrefix(marker) { return Int(rest.dropFirst(marker.count).prefix { $0.isNumber }) }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// A field of the error by its letter in the protocol (PG_DIAG_…, which are C character macros).
    private func field(_ letter: Unicode.Scalar) -> String? {
        PQresultErrorField(pointer, Int32(letter.value)).map { String(cString: $0) }
    }
}
