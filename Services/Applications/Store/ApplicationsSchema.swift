import Migrations

/// The tables of schema `applications`, in the order in which they came.
enum ApplicationsSchema {
    static let migrations = [
        file("0001-calls", PackageResources._001_calls_sql),
        file("0002-applications", PackageResources._002_applications_sql),
        file("0003-selection", PackageResources._003_selection_sql),
        file("0004-funding", PackageResources._004_funding_sql),
        file("0020-state-aid", PackageResources._020_state_aid_sql),
    ]

    /// What the run role may only read and insert into.
    static let appendOnlyTables = ["deposits", "eligibility_decisions", "recommendations", "decisions"]

    private static func file(_ name: String, _ bytes: [UInt8]) -> MigrationFile {
        MigrationFile(component: "applications", name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
