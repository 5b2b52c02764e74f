/// How a pool reaches its database, and the limits on what it does there.
package struct PostgresConfiguration: Sendable {
    /// A libpq URI or conninfo; may name several hosts with `target_session_attrs=read-write`. A secret.
    let connectionString: String
    let security: PostgresSecurity
    package let schema: String?
    package let applicationName: String
    package let connectionCountMax: Int
    package let acquireTimeout: Duration
    package let statementTimeout: Duration
    package let idleTransactionTimeout: Duration
    package let connectTimeout: Duration

    /// - Parameters:
    ///   - connectionString: libpq URI or conninfo; a secret, which no description shows.
    ///   - schema: becomes the search path of every connection, so that SQL names no schema.
    ///   - applicationName: what `pg_stat_activity` and the metrics call this pool.
    ///   - connectionCountMax: the server's `max_connections` must hold the sum over all pools and replicas.
    ///   - acquireTimeout: how long a caller waits for a free connection.
    ///   - statementTimeout: how long one statement may take; the server ends it 5 s later should we be gone.
    ///   - idleTransactionTimeout: how long a transaction may be open without a statement before the server ends it
    ///     with its connection. Between two statements only our own code runs: this long means that the process hangs,
    ///     and others wait for the locks that it holds.
    ///   - connectTimeout: how long opening a connection may take with each host that the string names, name
    ///     resolution excepted: libpq blocks there.
    ///   - security: TLS where the string is silent, and which hosts may be reached without.
    package init(
        connectionString: String, schema: String? = nil, applicationName: String, connectionCountMax: Int = 8,
        acquireTimeout: Duration = .seconds(5), statementTimeout: Duration = .seconds(30),
        idleTransactionTimeout: Duration = .seconds(60), connectTimeout: Duration = .seconds(5),
        security: PostgresSecurity = PostgresSecurity()
    ) {
        precondition(connectionCountMax > 0, "a pool of no connections would make every caller wait in vain")
        self.connectionString = connectionString
        self.schema = schema
        self.applicationName = applicationName
        self.connectionCountMax = connectionCountMax
        self.acquireTimeout = acquireTimeout
        self.statementTimeout = statementTimeout
        self.idleTransactionTimeout = idleTransactionTimeout
        self.connectTimeout = connectTimeout
        self.security = security
    }
}

extension PostgresConfiguration {
    /// When the server ends a statement that we could not end ourselves.
    var serverStatementTimeout: Duration { statementTimeout + .seconds(5) }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "PostgresConfiguration(\(applicationName), schema: \(schema ?? "none"))" }
    package var debugDescription: String { description }
    /// Without it `dump` and a failing test would print the password.
    package var customMirror: Mirror { Mirror(self, children: ["applicationName": applicationName]) }
}
