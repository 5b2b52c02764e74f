import Inbox
import Migrations
package import Postgres

/// Brings a schema up to date as its owner and gives the run role what `serve` needs, and no more.
package struct SchemaUpgrade: Sendable {
    /// Why the run role could not be given its rights.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let schema: String
    private let runRole: String
    private let files: [MigrationFile]
    private let appendOnlyTables: [String]
    private let readOnlyTables: [String]

    /// - Parameters:
    ///   - runRole: an existing role; a platform operator makes it, with its password.
    package init<Definition: ServiceDefinition>(of _: Definition.Type, schema: String, runRole: String) {
        self.schema = schema
        self.runRole = runRole
        files = Definition.allMigrations
        appendOnlyTables = ["events"] + InboxSchema.appendOnlyTables + Definition.appendOnlyTables
        readOnlyTables = ["maillage_migrations"] + Definition.readOnlyTables
    }

    /// Applies what is missing and grants anew; repeating it changes nothing.
    /// - Returns: the names of the migrations that were applied.
    package func run(on pool: PostgresPool) async throws -> [String] {
        let applied = try await Migrator(schema: schema, files: files).apply(on: pool)
        try await pool.withTransaction { transaction in try await grant(in: transaction) }
        return applied
    }

    private func grant(in transaction: PostgresTransaction) async throws {
        let known = try await transaction.query("select 1 from pg_roles where rolname = \(runRole)")
        guard !known.isEmpty else {
            throw Failure(
                description: "there is no role \(runRole): create it, or name another in MAILLAGE_DATABASE_RUN_ROLE")
        }
        // Two replicas of `migrate` would meet on the catalogue's rows; this one waits for the other.
        try await transaction.query("select pg_advisory_xact_lock(hashtext(\("maillage grants \(schema)")))")
        try await transaction.query(
            "grant usage on schema \(identifier: schema) to \(identifier: runRole)")
        try await transaction.query(
            """
            grant select, insert, update, delete on all tables in schema \(identifier: schema)
            to \(identifier: runRole)
            """)
        try await transaction.query(
            "grant usage, select on all sequences in schema \(identifier: schema) to \(identifier: runRole)")
        for table in try await existing(appendOnlyTables + readOnlyTables, in: transaction) {
            try await transaction.query(
                """
                revoke update, delete, truncate on \(identifier: schema).\(identifier: table)
                from \(identifier: runRole)
                """)
        }
        for table in readOnlyTables {
            try await transaction.query(
                "revoke insert on \(identifier: schema).\(identifier: table) from \(identifier: runRole)")
        }
    }

    /// The tables and all their partitions: a right on a partition is a right of its own.
    private func existing(
        _ tables: [String], in transaction: PostgresTransaction
    ) async throws -> [String] {
        let rows = try await transaction.query(
            """
            with recursive tables(id) as (
                select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = \(schema) and c.relname = any(\(tables)) and c.relkind in ('r', 'p')
                union
                select i.inhrelid from pg_inherits i join tables t on i.inhparent = t.id)
            select c.relname::text as name from tables t join pg_class c on c.oid = t.id order by 1
            """)
        let found = try rows.map { try $0.get("name", as: String.self) }
        if let missing = tables.first(where: { !found.contains($0) }) {
            throw Failure(description: "the guarded table \(missing) does not exist in schema \(schema)")
        }
        return found
    }
}
