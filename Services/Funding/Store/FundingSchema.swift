import Migrations

/// The tables of schema `funding`, in the order in which they came.
enum FundingSchema {
    static let migrations = [
        file("0001-ledger", PackageResources._001_ledger_sql),
        file("0002-grants", PackageResources._002_grants_sql),
        file("0003-agreements", PackageResources._003_agreements_sql),
        file("0004-ledger-checkpoints", PackageResources._004_ledger_checkpoints_sql),
        file("0005-milestones", PackageResources._005_milestones_sql),
    ]

    /// What the run role may only read and insert into.
    static let appendOnlyTables = [
        "transfers", "rule_sets", "decisions", "signatories", "evidence", "milestone_changes",
    ]

    private static func file(_ name: String, _ bytes: [UInt8]) -> MigrationFile {
        MigrationFile(component: "funding", name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
