/// COPY: rows in bulk, into a table or out of a query.
///
/// It costs the server a fraction of what statements cost, and knows neither `on conflict` nor parameters. Inside the
/// closure the session can do nothing else. When the closure throws, or the task is cancelled, no row stays and the
/// connection goes on to be used.
package protocol PostgresCopying: PostgresSession {
    /// - Parameters:
    ///   - columns: with the types of the rows that will be written; they must be the table's, to the byte.
    ///   - timeout: for the whole of it; the pool's statement timeout by default.
    /// - Returns: the number of rows.
    @discardableResult
    func copy(
        into table: String, columns: [PostgresColumn], timeout: Duration?,
        _ body: (inout PostgresRowWriter) async throws -> Void
    ) async throws -> Int

    /// As ``copy(into:columns:timeout:_:)`` with lines of text, as files have them. The error of a line that the server
    /// cannot read tells its number and not its contents.
    @discardableResult
    func copyLines(
        into table: String, columns: [String], format: PostgresTextFormat, timeout: Duration?,
        _ body: (inout PostgresLineWriter) async throws -> Void
    ) async throws -> Int

    /// Runs a query and lends its rows, as the format writes them, while the server sends them: a slow reader slows the
    /// server down. What the closure leaves is not fetched.
    /// - Parameter query: without parameters, which COPY does not take.
    func copy<R>(
        out query: PostgresQuery, format: PostgresTextFormat, timeout: Duration?,
        _ body: (PostgresCopiedRows) async throws -> R
    ) async throws -> R
}

/// A column that COPY fills.
package struct PostgresColumn: Sendable {
    package let name: String
    let type: PostgresType

    package init(_ name: String, _ type: PostgresArray.ElementType) {
        self.name = name
        self.type = type.type
    }
}

/// How text stands in COPY.
package enum PostgresTextFormat: Sendable {
    /// PostgreSQL's own: tabs between values, `\N` for null, backslashes before what would be special.
    case text
    /// RFC 4180, with an empty value for null.
    case csv(header: Bool)

    var options: String {
        switch self {
        case .text: "format text"
        case .csv(let header): "format csv, header \(header)"
        }
    }
}

extension PostgresCopying {
    /// ``copy(into:columns:timeout:_:)`` within the pool's statement timeout.
    @discardableResult
    package func copy(
        into table: String, columns: [PostgresColumn], _ body: (inout PostgresRowWriter) async throws -> Void
    ) async throws -> Int {
        try await copy(into: table, columns: columns, timeout: nil, body)
    }
}

extension PostgresLease: PostgresCopying {
    @discardableResult
    package func copy(
        into table: String, columns: [PostgresColumn], timeout: Duration? = nil,
        _ body: (inout PostgresRowWriter) async throws -> Void
    ) async throws -> Int {
        try await CopyRun(lent, self, timeout: timeout).write(into: table, columns: columns, body)
    }

    @discardableResult
    package func copyLines(
        into table: String, columns: [String], format: PostgresTextFormat = .text, timeout: Duration? = nil,
        _ body: (inout PostgresLineWriter) async throws -> Void
    ) async throws -> Int {
        try await CopyRun(lent, self, timeout: timeout).writeLines(into: table, columns, format, body)
    }

    package func copy<R>(
        out query: PostgresQuery, format: PostgresTextFormat, timeout: Duration? = nil,
        _ body: (PostgresCopiedRows) async throws -> R
    ) async throws -> R {
        try await CopyRun(lent, self, timeout: timeout).read(query, format, body)
    }
}

extension PostgresTransaction: PostgresCopying {
    @discardableResult
    package func copy(
        into table: String, columns: [PostgresColumn], timeout: Duration? = nil,
        _ body: (inout PostgresRowWriter) async throws -> Void
    ) async throws -> Int {
        try await CopyRun(lent, self, token: token, timeout: timeout).write(into: table, columns: columns, body)
    }

    @discardableResult
    package func copyLines(
        into table: String, columns: [String], format: PostgresTextFormat = .text, timeout: Duration? = nil,
        _ body: (inout PostgresLineWriter) async throws -> Void
    ) async throws -> Int {
        try await CopyRun(lent, self, token: token, timeout: timeout).writeLines(into: table, columns, format, body)
    }

    package func copy<R>(
        out query: PostgresQuery, format: PostgresTextFormat, timeout: Duration? = nil,
        _ body: (PostgresCopiedRows) async throws -> R
    ) async throws -> R {
        try await CopyRun(lent, self, token: token, timeout: timeout).read(query, format, body)
    }
}
