import FoundationEssentials
import Postgres

/// Puts everything about one experiment in a line: submissions, what experimentation tells, counts and milestones.
///
/// Advisory locks rather than rows, because an event and the first response may both come before the experiment has a
/// row; whoever comes second sees what the other wrote, and no submission waits for something that is there.
enum ExperimentLocks {
    enum Mode {
        /// Nobody else has the experiment.
        case alone
        /// Others have it who only add answers, to which nothing refers yet: two of those cannot depend on each other.
        /// Where both answer for one participant the tables' keys tell (``IdentityRace``).
        case amongAdditions
    }

    /// Takes experiments for the rest of the transaction, in one order for everybody.
    static func take(_ experiments: some Sequence<UUID>, in session: some PostgresSession) async throws(PostgresError) {
        if let statement = statement(taking: experiments, .alone) { try await session.query(statement) }
    }

    /// - Returns: nil when there is nothing to take.
    static func statement(taking experiments: some Sequence<UUID>, _ mode: Mode) -> PostgresQuery? {
        let keys = Set(experiments.map(\.lockKey)).sorted()
        guard !keys.isEmpty else { return nil }
        return switch mode {
        case .alone: "select pg_advisory_xact_lock(key) from unnest(\(keys)) as k (key)"
        case .amongAdditions: "select pg_advisory_xact_lock_shared(key) from unnest(\(keys)) as k (key)"
        }
    }
}

extension UUID {
    /// One half mixed with the other: ids of version 7 that were made in one millisecond differ in the lower half.
    fileprivate var lockKey: Int64 {
        withUnsafeBytes(of: uuid) { bytes in
            bytes.loadUnaligned(fromByteOffset: 0, as: Int64.self)
                ^ bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self)
        }
    }
}
