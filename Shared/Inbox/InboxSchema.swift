package import Migrations

/// The tables that every service has in its own schema for what it listens to.
package enum InboxSchema {
    package static let migrations = [
        MigrationFile(
            component: "inbox", name: "0001-inbox",
            sql: String(decoding: PackageResources._001_inbox_sql, as: UTF8.self)),
        MigrationFile(
            component: "inbox", name: "0002-dead-letter-acts",
            sql: String(decoding: PackageResources._002_dead_letter_acts_sql, as: UTF8.self)),
        MigrationFile(
            component: "inbox", name: "0003-completeness",
            sql: String(decoding: PackageResources._003_completeness_sql, as: UTF8.self)),
        MigrationFile(
            component: "inbox", name: "0004-dead-letter-erasure",
            sql: String(decoding: PackageResources._004_dead_letter_erasure_sql, as: UTF8.self)),
    ]

    /// What the run role may only read and insert into.
    package static let appendOnlyTables = ["dead_letter_acts"]
}
