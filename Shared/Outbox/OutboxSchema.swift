package import Migrations

/// The tables that every service has in its own schema for what it publishes.
package enum OutboxSchema {
    package static let migrations = [
        MigrationFile(
            component: "outbox", name: "0001-events",
            sql: String(decoding: PackageResources._001_events_sql, as: UTF8.self)),
        MigrationFile(
            component: "outbox", name: "0002-checkpoints",
            sql: String(decoding: PackageResources._002_checkpoints_sql, as: UTF8.self)),
    ]

    /// The run role may insert and select here and nothing else. A trigger refuses changes to everybody.
    package static let appendOnlyTables = ["events"]
}
