package import Migrations

/// The table that ``IdempotentCommand`` needs, in every service's schema.
package enum HTTPDefaultsSchema {
    package static let migrations: [MigrationFile] = [
        MigrationFile(
            component: "http-defaults", name: "0001-commands",
            sql: String(decoding: PackageResources._001_commands_sql, as: UTF8.self))
    ]
}
