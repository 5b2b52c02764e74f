/// The prepared statements of one connection, by text and parameter types. The least recently used makes room.
struct StatementCache {
    /// What makes two queries the same plan.
    struct Key: Hashable {
        let text: [UInt8]
        let types: [UInt32]

        func hash(into hasher: inout Hasher) {
            // As one run of bytes: an array feeds the hasher byte by byte.
            text.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    private var statements: [Key: PreparedStatement] = [:]
    private var useCount: UInt64 = 0
    private var nameCount = 0
    private let countMax: Int
    /// Names that the server still holds for texts that had to go. They are deallocated outside a transaction.
    private(set) var evicted: [String] = []

    init(countMax: Int) { self.countMax = countMax }

    var count: Int { statements.count }

    mutating func find(_ key: Key) -> PreparedStatement? {
        guard let statement = statements[key] else { return nil }
        useCount += 1
        statement.lastUse = useCount
        return statement
    }

    /// A name that this connection never used before: a statement that was evicted may still exist on the server.
    mutating func make(_ key: Key) -> PreparedStatement {
        nameCount += 1
        return PreparedStatement(name: "s\(nameCount)", key: key)
    }

    /// Keeps a statement that the server has prepared.
    mutating func insert(_ statement: PreparedStatement) {
        // A scan of 256, once per text that did not fit, costs less than keeping a list in order on every use.
        if statements.count >= countMax, let oldest = statements.values.min(by: { $0.lastUse < $1.lastUse }) {
            statements[oldest.key] = nil
            evicted.append(oldest.name)
        }
        useCount += 1
        statement.lastUse = useCount
        statements[statement.key] = statement
    }

    mutating func forget(_ statement: PreparedStatement) {
        statements[statement.key] = nil
    }

    mutating func takeEvicted() -> [String] {
        defer { evicted = [] }
        return evicted
    }
}

/// Touched by its connection's loop alone.
final class PreparedStatement {
    let name: String
    let key: StatementCache.Key
    var columns: ResultColumns?
    var lastUse: UInt64 = 0

    init(name: String, key: StatementCache.Key) {
        self.name = name
        self.key = key
    }
}
