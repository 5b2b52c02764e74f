import Crypto
package import Postgres

/// Brings a schema to the version of this program, and tells whether it is there.
///
/// What was applied stands in `maillage_migrations` of the schema itself. An advisory lock per schema makes any number
/// of migrators that start at once safe: one applies, the others wait and find nothing to do.
package struct Migrator: Sendable {
    package let schema: String
    /// In the order of application.
    private let files: [MigrationFile]

    /// - Parameter files: in any order within a component; components in the order of dependence.
    package init(schema: String, files: [MigrationFile]) {
        self.schema = schema
        var ranks: [String: Int] = [:]
        for file in files where ranks[file.component] == nil { ranks[file.component] = ranks.count }
        self.files = files.sorted { left, right in
            (ranks[left.component, default: 0], left.name) < (ranks[right.component, default: 0], right.name)
        }
    }

    /// Applies what is missing; creates the schema when there is none.
    /// - Parameter pool: connects as the owner of the schema.
    /// - Returns: the files that were applied now, as `component/name`, in order.
    package func apply(on pool: PostgresPool) async throws(MigrationsError) -> [String] {
        try refuseDuplicates()
        return try await converting {
            try await pool.withConnection { lease in
                try await prepare(lease)
                let pending = try plan(applied: try await read(lease))
                for file in pending { try await apply(file, on: lease) }
                return pending.map(\.path)
            }
        }
    }

    /// Checks that exactly the files of this program are applied, unchanged.
    /// - Parameter pool: needs to read `maillage_migrations`, no more.
    package func check(on pool: PostgresPool) async throws(MigrationsError) {
        try refuseDuplicates()
        let pending = try await converting {
            try await pool.withConnection { lease in try plan(applied: try await read(lease)) }
        }
        guard pending.isEmpty else {
            throw MigrationsError(.missing, schema: schema, files: pending.map(\.path))
        }
    }

    // MARK: Deciding

    /// - Parameter applied: checksums by path.
    /// - Returns: the files that are missing, in order.
    private func plan(applied: [String: String]) throws(MigrationsError) -> [MigrationFile] {
        let edited = files.filter { file in applied[file.path].map { $0 != file.checksum } ?? false }
        guard edited.isEmpty else { throw MigrationsError(.edited, schema: schema, files: edited.map(\.path)) }
        let unknown = Set(applied.keys).subtracting(files.map(\.path)).sorted()
        guard unknown.isEmpty else { throw MigrationsError(.newer, schema: schema, files: unknown) }
        let pending = files.filter { applied[$0.path] == nil }
        let late = pending.filter { file in
            files.contains { $0.component == file.component && $0.name > file.name && applied[$0.path] != nil }
        }
        guard late.isEmpty else { throw MigrationsError(.outOfOrder, schema: schema, files: late.map(\.path)) }
        return pending
    }

    private func refuseDuplicates() throws(MigrationsError) {
        let twice = zip(files, files.dropFirst()).filter { $0.path == $1.path }.map(\.0.path)
        guard twice.isEmpty else { throw MigrationsError(.duplicate, schema: schema, files: twice) }
    }

    // MARK: Database

    /// Waits for the lock, as long as another migrator may take, and makes the table.
    private func prepare(_ lease: PostgresLease) async throws {
        // The session keeps the lock until the pool resets it, or until the connection ends with this process.
        try await lease.executeScript("set statement_timeout = 0; select pg_advisory_lock(\(lockKey))")
        // From here on a file that waits for a lock on a table makes everybody wait who comes after it.
        try await lease.executeScript("set lock_timeout = '30s'")
        // Asked first: even with `if not exists`, creating takes a right on the database that an owner need not have.
        if try await lease.query("select from pg_catalog.pg_namespace where nspname = \(schema)").isEmpty {
            try await lease.query("create schema if not exists \(identifier: schema)")
        }
        try await lease.query(
            """
            create table if not exists \(identifier: schema).maillage_migrations (
                component text not null,
                name text not null,
                checksum text not null,
                applied_at timestamptz not null default clock_timestamp(),
                primary key (component, name)
            )
            """)
    }

    /// - Returns: the checksums of the applied files by path; none when there is no table.
    private func read(_ lease: PostgresLease) async throws -> [String: String] {
        let tables = try await lease.query(
            """
            select from pg_catalog.pg_tables where schemaname = \(schema) and tablename = 'maillage_migrations'
            """)
        guard !tables.isEmpty else { return [:] }
        let rows = try await lease.query(
            "select component, name, checksum from \(identifier: schema).maillage_migrations")
        var applied: [String: String] = [:]
        for row in rows {
            let path = "\(try row.get("component", as: String.self))/\(try row.get("name", as: String.self))"
            applied[path] = try row.get("checksum")
        }
        return applied
    }

    private func apply(_ file: MigrationFile, on lease: PostgresLease) async throws {
        do {
            try await lease.withTransaction(attempts: 1) { transaction in
                try await transaction.query("select set_config('search_path', \(quotedSchema), true)")
                // A table of many millions may be written anew.
                try await transaction.executeScript(file.sql, timeout: .seconds(12 * 3_600))
                // After the script: a file that commits by itself is found out here.
                try await transaction.query(
                    """
                    insert into \(identifier: schema).maillage_migrations (component, name, checksum)
                    values (\(file.component), \(file.name), \(file.checksum))
                    """)
            }
        } catch {
            throw MigrationsError(.failed, schema: schema, files: [file.path], cause: error as? PostgresError)
        }
    }

    /// One lock per schema among all advisory locks of the database.
    private var lockKey: Int64 {
        let digest = SHA256.hash(data: Array("maillage_migrations \(schema)".utf8))
        return Int64(bitPattern: digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    private var quotedSchema: String {
        "\"" + schema.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private func converting<R>(_ body: () async throws -> R) async throws(MigrationsError) -> R {
        do {
            return try await body()
        } catch let error as MigrationsError {
            throw error
        } catch {
            throw MigrationsError(.database, schema: schema, cause: error as? PostgresError)
        }
    }
}
