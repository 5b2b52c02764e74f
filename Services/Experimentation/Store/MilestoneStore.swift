import FoundationEssentials
import Postgres

/// The collection milestones that feedback reported.
struct MilestoneStore: Sendable {
    /// A milestone is reached once; a second report of it changes nothing.
    func insert(_ reached: ReachedMilestone, of experiment: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into reached_milestones (experiment, milestone, responses_count_min, responses_count, reached_at)
            values (\(experiment), \(reached.milestone), \(reached.responsesCountMin), \(reached.responsesCount),
                \(reached.reachedAt))
            on conflict do nothing
            """)
    }

    /// In the order in which they were reached.
    func list(of experiment: UUID, in session: some PostgresSession) async throws -> [ReachedMilestone] {
        try await session.query(
            """
            select milestone, responses_count_min, responses_count, reached_at from reached_milestones
            where experiment = \(experiment) order by reached_at, milestone limit 100
            """
        ).map { row in
            ReachedMilestone(
                milestone: try row.get("milestone"), responsesCountMin: try row.get("responses_count_min"),
                responsesCount: try row.get("responses_count"), reachedAt: try row.get("reached_at"))
        }
    }
}
