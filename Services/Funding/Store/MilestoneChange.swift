import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// What feedback told about a milestone of an experiment. Of several the highest version holds; all are kept.
struct MilestoneChange: Sendable {
    let experiment: UUID
    let milestone: String
    /// From 1.
    let version: Int
    let isReached: Bool
    let event: UUID
    let occurredAt: Date

    func insert(of agreement: UUID, in session: some PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            insert into milestone_changes (agreement, experiment, milestone, version, is_reached, event, occurred_at)
            values (\(agreement), \(experiment), \(milestone), \(Int32(clamping: version)), \(isReached), \(event),
                \(occurredAt))
            on conflict (experiment, milestone, version) do nothing
            """)
    }
}
