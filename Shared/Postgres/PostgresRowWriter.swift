/// Writes rows into a COPY, in PostgreSQL's binary form. A few dozen KiB travel at a time.
package struct PostgresRowWriter {
    private static let chunkBytes = 64 << 10
    /// The signature, no flags, no extension.
    static let header = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)

    private let channel: CopyChannel
    private let columns: [PostgresColumn]
    private var buffer = Self.header

    init(_ channel: CopyChannel, _ columns: [PostgresColumn]) {
        self.channel = channel
        self.columns = columns
    }

    /// Writes one row: its values in the order of the columns; nil is null.
    /// - Throws: `.configuration` when the values are not those that the columns announced; the row is left out then.
    package mutating func write<each Value: PostgresEncodable>(_ value: repeat each Value) async throws {
        let start = buffer.count
        var place = 0
        buffer.append(bigEndian: Int16(truncatingIfNeeded: columns.count))
        do {
            repeat try append(each value, &place)
            guard place == columns.count else { throw mismatch("\(place) values for \(columns.count) columns") }
        } catch {
            buffer.removeLast(buffer.count - start)
            throw error
        }
        guard buffer.count >= Self.chunkBytes else { return }
        try await flush()
    }

    private mutating func append<Value: PostgresEncodable>(_ value: Value, _ place: inout Int) throws(PostgresError) {
        guard place < columns.count else { throw mismatch("more values than columns") }
        let column = columns[place]
        guard Value.postgresType == column.type else {
            let (announced, given) = (column.type.oid, Value.postgresType.oid)
            throw mismatch(
                "column \(column.name) was announced as \(PostgresType.name(of: announced)), "
                    + "not \(PostgresType.name(of: given))")
        }
        place += 1
        let start = buffer.count
        buffer.append(bigEndian: Int32(-1))
        guard !value.isPostgresNull else { return }
        value.encode(into: &buffer)
        buffer.replace(bigEndian: Int32(clamping: buffer.count - start - 4), at: start)
    }

    private func mismatch(_ words: String) -> PostgresError { PostgresError(.configuration, reason: words) }

    private mutating func flush() async throws(PostgresError) {
        try await channel.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    mutating func finish() async throws(PostgresError) {
        buffer.append(bigEndian: Int16(-1))
        try await flush()
    }
}

/// Writes lines into a COPY, as the format of its text wants them.
package struct PostgresLineWriter {
    private static let chunkBytes = 64 << 10

    private let channel: CopyChannel
    private var buffer: [UInt8] = []

    init(_ channel: CopyChannel) { self.channel = channel }

    /// - Parameter line: without its end.
    package mutating func write(_ line: String) async throws(PostgresError) {
        buffer.append(contentsOf: line.utf8)
        buffer.append(UInt8(ascii: "\n"))
        guard buffer.count >= Self.chunkBytes else { return }
        try await finish()
    }

    /// - Parameter bytes: any part of the text, line ends included.
    package mutating func write(bytes: some Sequence<UInt8>) async throws(PostgresError) {
        buffer.append(contentsOf: bytes)
        guard buffer.count >= Self.chunkBytes else { return }
        try await finish()
    }

    mutating func finish() async throws(PostgresError) {
        guard !buffer.isEmpty else { return }
        try await channel.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}

/// The rows of a query while they come: pieces of one or many whole rows. To be iterated once, inside the closure that
/// received it.
package struct PostgresCopiedRows: AsyncSequence {
    package typealias Element = [UInt8]
    package typealias Failure = PostgresError

    let channel: CopyChannel

    package struct AsyncIterator: AsyncIteratorProtocol {
        let channel: CopyChannel

        package mutating func next() async throws(PostgresError) -> [UInt8]? {
            let piece = try await channel.read()
            return piece.isEmpty ? nil : piece
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(channel: channel) }
}
