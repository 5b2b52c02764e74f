import FoundationEssentials
import Postgres

/// What feedback told last about a collection milestone.
struct MilestoneChange: Sendable {
    let milestone: String
    let responsesCountMin: Int
    let responsesCount: Int
    let isReached: Bool
    let changedAt: Date
    /// From 1.
    let version: Int
}

/// The collection milestones that feedback reported.
struct MilestoneStore: Sendable {
    /// The highest version holds, whichever comes last; a second report of it changes nothing.
    func record(_ change: MilestoneChange, of experiment: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into milestones as m
                (experiment, milestone, responses_count_min, responses_count, is_reached, changed_at, version)
            values (\(experiment), \(change.milestone), \(change.responsesCountMin), \(change.responsesCount),
                \(change.isReached), \(change.changedAt), \(Int32(clamping: change.version)))
            on conflict (experiment, milestone) do update set
                responses_count_min = excluded.responses_count_min, responses_count = excluded.responses_count,
                is_reached = excluded.is_reached, changed_at = excluded.changed_at, version = excluded.version
                where m.version < excluded.version
            """)
    }

    /// Those that are reached now, in the order in which they were.
    func list(of experiment: UUID, in session: some PostgresSession) async throws -> [ReachedMilestone] {
        try await session.query(
            """
            select milestone, responses_count_min, responses_count, changed_at from milestones
            where experiment = \(experiment) and is_reached order by changed_at, milestone limit 100
            """
        ).map { row in
            ReachedMilestone(
                milestone: try row.get("milestone"), responsesCountMin: try row.get("responses_count_min"),
                responsesCount: try row.get("responses_count"), reachedAt: try row.get("changed_at"))
        }
    }
}
