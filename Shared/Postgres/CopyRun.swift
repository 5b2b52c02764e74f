/// One COPY of a session: the command, the steps in between, and the state that it leaves behind.
struct CopyRun {
    private let lent: LentConnection
    private let session: any PostgresSession
    private let token: TransactionToken?
    private let timeout: Duration?

    init(_ lent: LentConnection, _ session: any PostgresSession, token: TransactionToken? = nil, timeout: Duration?) {
        self.lent = lent
        self.session = session
        self.token = token
        self.timeout = timeout
    }

    func write(
        into table: String, columns: [PostgresColumn], _ body: (inout PostgresRowWriter) async throws -> Void
    ) async throws -> Int {
        try await check(columns, of: table)
        let command = "copy \(target(table, columns.map(\.name))) from stdin (format binary)"
        return try await write(command) { channel in
            var writer = PostgresRowWriter(channel, columns)
            try await body(&writer)
            try await writer.finish()
        }
    }

    func writeLines(
        into table: String, _ columns: [String], _ format: PostgresTextFormat,
        _ body: (inout PostgresLineWriter) async throws -> Void
    ) async throws -> Int {
        try await write("copy \(target(table, columns)) from stdin (\(format.options))") { channel in
            var writer = PostgresLineWriter(channel)
            try await body(&writer)
            try await writer.finish()
        }
    }

    func read<R>(
        _ query: PostgresQuery, _ format: PostgresTextFormat, _ body: (PostgresCopiedRows) async throws -> R
    ) async throws -> R {
        guard query.parameters.count == 0 else {
            throw PostgresError(.configuration, reason: "COPY takes no parameters")
        }
        let text = String(decoding: query.text.dropLast(), as: UTF8.self)
        return try await run("copy (\(text)) to stdout (\(format.options))", .goesOut) { channel in
            try await body(PostgresCopiedRows(channel: channel))
        }
    }

    /// One COPY per table, in a transaction: all together as long as a statement may take.
    func load(_ tables: [PostgresTableRows]) async throws(PostgresError) {
        let tables = tables.filter { !$0.isEmpty }
        guard !tables.isEmpty else { return }
        let commands = tables.map(\.copyCommand)
        guard let unchecked = await lent.connection?.unchecked(commands) else { throw PostgresError(.connectionLost) }
        for (rows, command) in zip(tables, commands) where unchecked.contains(command) {
            try await check(rows.copyColumns, of: rows.table)
            await lent.connection?.noteCheck(of: command)
        }
        let (connection, queued) = try lent.use()
        if !queued.isEmpty { _ = try await connection.execute(queued, in: token) }
        try await connection.load(commands, tables.map(\.copyBytes), in: token)
    }

    private func write(_ command: String, _ body: (CopyChannel) async throws -> Void) async throws -> Int {
        try await run(command, .goesIn) { channel in
            do {
                try await body(channel)
            } catch {
                // The server undoes what it got, and answers with an error that we asked for.
                _ = try? await channel.finish(isAborted: true, in: token)
                throw error
            }
            return try await channel.finish(isAborted: false, in: token)
        }
    }

    private func run<R>(
        _ command: String, _ way: Answer.Copy, _ body: (CopyChannel) async throws -> R
    ) async throws -> R {
        guard let configuration = lent.connection?.configuration else { throw PostgresError(.connectionLost) }
        let limit = timeout ?? configuration.statementTimeout
        // It takes with it what waits to go out, and a connection that has died is replaced before the COPY.
        try await setServerTimeout(limit + .seconds(5))
        let connection = try lent.beginCopy()
        let result: Result<R, any Error>
        do {
            try await connection.beginCopying(command, expecting: way, in: token, timeout: limit)
            do {
                result = .success(try await body(CopyChannel(connection: connection, timeout: limit)))
            } catch {
                result = .failure(error)
            }
            await connection.endCopying()
        } catch {
            result = .failure(error)
        }
        lent.endCopy()
        if token == nil {
            // Never instead of the outcome: rows that are committed must not look as if they were not. A session that
            // could not be restored is not lent again.
            try? await restoreServerTimeout(configuration)
        } else if case .success = result {
            // A transaction that failed is rolled back, and its settings with it.
            try await restoreServerTimeout(configuration)
        }
        return try result.get()
    }

    /// COPY as a whole is one statement for the server.
    private func setServerTimeout(_ limit: Duration) async throws(PostgresError) {
        try await session.query(
            "select set_config('statement_timeout', \("\(limit.milliseconds)"), \(token != nil))")
    }

    private func restoreServerTimeout(_ configuration: PostgresConfiguration) async throws(PostgresError) {
        try await setServerTimeout(configuration.serverStatementTimeout)
    }

    /// Binary rows are not converted: a value of another type of the same length would be stored as nonsense.
    private func check(_ columns: [PostgresColumn], of table: String) async throws(PostgresError) {
        let name = quoted(table)
        let rows = try await session.query(
            """
            select a.attname::text as name, a.atttypid::bigint as type from pg_attribute as a
            where a.attrelid = \(name)::regclass and a.attnum > 0 and not a.attisdropped
            """)
        var types: [String: UInt32] = [:]
        for row in rows { types[try row.get("name")] = UInt32(try row.get("type", as: Int64.self)) }
        for column in columns {
            guard let type = types[column.name] else {
                throw PostgresError(.configuration, reason: "\(table) has no column \(column.name)")
            }
            let isText = column.type == .text && PostgresType.isText(type)
            guard type == column.type.oid || isText else {
                let words = "is \(PostgresType.name(of: type)), not \(PostgresType.name(of: column.type.oid))"
                throw PostgresError(.configuration, reason: "column \(column.name) of \(table) \(words)")
            }
        }
    }

    private func target(_ table: String, _ columns: [String]) -> String {
        "\(quoted(table)) (\(columns.map(quoted).joined(separator: ", ")))"
    }

    private func quoted(_ name: String) -> String {
        let query: PostgresQuery = "\(identifier: name)"
        return String(decoding: query.text.dropLast(), as: UTF8.self)
    }
}

/// The COPY that is under way on a connection.
struct CopyChannel: Sendable {
    let connection: PostgresConnection
    private let deadline: UInt64

    init(connection: PostgresConnection, timeout: Duration) {
        self.connection = connection
        deadline = monotonicNanoseconds() &+ timeout.nanoseconds
    }

    private var left: Duration {
        let now = monotonicNanoseconds()
        return .nanoseconds(Int64(clamping: deadline > now ? deadline - now : 0))
    }

    func write(_ bytes: [UInt8]) async throws(PostgresError) { try await connection.write(bytes, timeout: left) }
    func read() async throws(PostgresError) -> [UInt8] { try await connection.readCopied(timeout: left) }

    func finish(isAborted: Bool, in token: TransactionToken?) async throws(PostgresError) -> Int {
        let timeout = isAborted ? Duration.seconds(5) : left
        return try await connection.finishWriting(isAborted: isAborted, in: token, timeout: timeout)
    }
}
