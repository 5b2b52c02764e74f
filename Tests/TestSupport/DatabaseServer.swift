import Foundation
import Logging
import Migrations
import Postgres

/// The server on which tests make and drop databases.
package struct DatabaseServer: Sendable {
    /// Why there is no server for tests.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    package static let variable = "MAILLAGE_TEST_DATABASE_URL"

    private let connectionString: String
    private let pool: PostgresPool

    /// - Throws: ``Unusable`` without the variable and for any host but this machine: tests drop what they find.
    package init(connectionString: String) throws {
        let local: Set = ["localhost", "127.0.0.1", "::1"]
        for host in try PostgresConfiguration.hosts(of: connectionString)
        where !local.contains(host) && !host.hasPrefix("/") {
            throw Unusable(
                description: "\(Self.variable) names the host \(host): tests use servers on this machine only")
        }
        self.connectionString = connectionString
        let configuration = PostgresConfiguration(
            connectionString: connectionString, applicationName: "tests", connectionCountMax: 3,
            acquireTimeout: .seconds(120), statementTimeout: .seconds(120))
        pool = PostgresPool(configuration: configuration, logger: Logger(label: "tests"))
    }

    private static let shared = Result {
        guard let connectionString = ProcessInfo.processInfo.environment[variable] else {
            throw Unusable(description: "set \(variable) to a PostgreSQL server on this machine, or use `make test`")
        }
        return try DatabaseServer(connectionString: connectionString)
    }

    package static func fromEnvironment() throws -> DatabaseServer { try shared.get() }

    /// The connection string with another database in it.
    package func url(of database: String) -> String {
        guard connectionString.hasPrefix("postgres"), var components = URLComponents(string: connectionString) else {
            return connectionString + " dbname=\(database)"
        }
        components.path = "/" + database
        return components.string ?? connectionString
    }

    /// Makes a database as the template describes it.
    /// - Returns: its name.
    func create(from template: DatabaseTemplate) async throws -> String {
        try await template.ensure(on: self)
        let name = Self.uniqueName()
        try await run("create database \(name) template \(template.name)")
        return name
    }

    func drop(_ name: String) async throws {
        try await run("drop database if exists \(name) with (force)")
    }

    /// Runs statements that no transaction may hold.
    func run(_ script: String) async throws {
        try await pool.withConnection { try await $0.executeScript(script) }
    }

    /// Runs a closure while no other test, here or in another process, holds the lock of that name.
    func withLock<R>(_ name: String, _ body: (PostgresLease) async throws -> R) async throws -> R {
        try await pool.withConnection { lease in
            // Released with the session's other state when the lease ends.
            try await lease.query("select pg_advisory_lock(hashtextextended(\(name), 0))")
            return try await body(lease)
        }
    }

    static func uniqueName() -> String {
        "maillage_test_" + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
