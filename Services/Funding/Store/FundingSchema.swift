import Migrations

/// The tables of schema `funding`, in the order in which they came.
enum FundingSchema {
    static let migrations = [
        file("0001-ledger", PackageResources._001_ledger_sql),
        file("0002-grants", PackageResources._002_grants_sql),
        file("0003-agreements", PackageResources._003_agreements_sql),
        file("0004-ledger-checkpoints", PackageResources._004_ledger_checkpoints_sql),
        file("0005-milestones", PackageResources._005_milestones_sql),
        file("0006-ledger-tree", PackageResources._006_ledger_tree_sql),
        file("0007-holds-and-recoveries", PackageResources._007_holds_and_recoveries_sql),
        file("0008-payment-batches", PackageResources._008_payment_batches_sql),
        file("0009-open-data", PackageResources._009_open_data_sql),
        file("0020-state-aid", PackageResources._020_state_aid_sql),
        file("0021-amendments-and-statements", PackageResources._021_amendments_and_statements_sql),
        file("0022-ledger-lookups", PackageResources._022_ledger_lookups_sql),
        file("0023-experiment-agreements", PackageResources._023_experiment_agreements_sql),
    ]

    /// What the run role may only read and insert into.
    static let appendOnlyTables = [
        "rule_sets", "decisions", "signatories", "evidence", "milestone_changes", "ledger_blocks",
        "agreement_changes", "recovery_receipts", "payment_batches", "bank_messages",
        "subsidy_publications", "amendment_signatories", "evidence_changes", "expense_statement_changes",
        "statement_reminders", "settlement_lines", "payment_offsets",
        "state_aid_rules", "aid_declarations", "de_minimis_register",
    ]

    /// What `ledger_book` alone writes, and what it goes by.
    static let readOnlyTables = ["accounts", "transfers", "ledger_moves"]

    private static func file(_ name: String, _ bytes: [UInt8]) -> MigrationFile {
        MigrationFile(component: "funding", name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
