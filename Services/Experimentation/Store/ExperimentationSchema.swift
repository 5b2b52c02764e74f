import Migrations

/// The tables of schema `experimentation`, in the order in which they came.
enum ExperimentationSchema {
    static let migrations = [
        file("0001-sites", PackageResources._001_sites_sql),
        file("0002-experiments", PackageResources._002_experiments_sql),
        file("0020-state-aid", PackageResources._020_state_aid_sql),
        file("0021-terminations-and-reports", PackageResources._021_terminations_and_reports_sql),
    ]

    /// What the run role may only read and insert into.
    static let appendOnlyTables = ["solutions", "protocols", "site_report_submissions", "site_report_decisions"]

    private static func file(_ name: String, _ bytes: [UInt8]) -> MigrationFile {
        MigrationFile(component: "experimentation", name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
