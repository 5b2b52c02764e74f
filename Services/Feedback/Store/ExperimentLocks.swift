import FoundationEssentials
import Postgres

/// Puts everything about one experiment in a line: submissions, what experimentation tells, counts and milestones.
///
/// Advisory locks rather than rows, because an event and the first response may both come before the experiment has a
/// row; whoever comes second sees what the other wrote, and no submission waits for something that is there.
enum ExperimentLocks {
    /// Takes experiments for the rest of the transaction, in one order for everybody.
    static func take(_ experiments: some Sequence<UUID>, in session: some PostgresSession) async throws(PostgresError) {
        let keys = Set(experiments.map(\.lockKey)).sorted()
        guard !keys.isEmpty else { return }
        try await session.query("select pg_advisory_xact_lock(key) from unnest(\(keys)) as k (key)")
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
