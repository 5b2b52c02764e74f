import Foundation
import Logging
import Migrations
import Postgres

/// A migrated database that tests copy, for copying takes a tenth of the time of migrating. It stays on the server,
/// named after what is in it, so that the next run finds it.
struct DatabaseTemplate: Sendable {
    let schema: String
    let files: [MigrationFile]
    let name: String

    init(schema: String, files: [MigrationFile]) {
        self.schema = schema
        self.files = files
        let content = files.map { "\($0.path) \($0.checksum)" }.joined(separator: "\n")
        let checksum = MigrationFile(component: "", name: "", sql: "\(schema)\n\(content)").checksum
        name = "maillage_template_" + checksum.prefix(24)
    }

    /// Makes the template unless it exists.
    func ensure(on server: DatabaseServer) async throws {
        try await KnownTemplates.shared.ensure(name) {
            try await server.withLock(name) { lease in
                let found = try await lease.query("select from pg_database where datname = \(name)")
                if found.isEmpty {
                    try await sweep(lease)
                    try await build(on: server, lease)
                }
            }
        }
    }

    /// Under a name of its own first: the template appears complete or not at all.
    private func build(on server: DatabaseServer, _ lease: PostgresLease) async throws {
        let draft = DatabaseServer.uniqueName()
        try await lease.executeScript("create database \(draft) template template0")
        let configuration = PostgresConfiguration(
            connectionString: server.url(of: draft), applicationName: draft, connectionCountMax: 1)
        let pool = PostgresPool(configuration: configuration, logger: Logger(label: draft))
        do {
            _ = try await Migrator(schema: schema, files: files).apply(on: pool)
            await pool.close()
            try await lease.executeScript("alter database \(draft) rename to \(name)")
        } catch {
            await pool.close()
            try await lease.executeScript("drop database if exists \(draft) with (force)")
            throw error
        }
    }

    /// Drops what crashed runs and older versions left behind more than a day ago.
    private func sweep(_ lease: PostgresLease) async throws {
        let leftovers = try await lease.query(
            """
            select datname from pg_database
            where (datname like 'maillage\\_test\\_%' or datname like 'maillage\\_template\\_%')
              and (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification < now() - interval '1 day'
            """)
        for row in leftovers {
            let leftover: String = try row.get("datname")
            try await lease.executeScript("drop database if exists \(leftover) with (force)")
        }
    }
}

/// The templates that this process made or found, so that each is looked for once.
private actor KnownTemplates {
    static let shared = KnownTemplates()
    private var searches: [String: Task<Void, any Error>] = [:]

    func ensure(_ name: String, _ search: @escaping @Sendable () async throws -> Void) async throws {
        let running = searches[name] ?? Task { try await search() }
        searches[name] = running
        do {
            try await running.value
        } catch {
            searches[name] = nil
            throw error
        }
    }
}
