import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// Milestones against the number of valid responses. The caller holds the lock on the experiments.
struct MilestoneStore<Session: PostgresSession>: Sendable {
    let session: Session

    /// Marks the milestones that the counts of now reach.
    /// - Returns: one event for each, to be appended by the caller.
    func reach(in experiments: [UUID], now: Date, cause: EventCause) async throws(PostgresError) -> [NewEvent] {
        let rows = try await session.query(
            """
            select e.experiment, e.responses_count, m.milestone, m.responses_count_min
            from experiments as e join milestones as m using (experiment)
            where e.experiment = any(\(experiments)) and m.reached_at is null
            """)
        var open: [UUID: (count: Int, milestones: [Milestone])] = [:]
        for row in rows {
            let milestone = Milestone(
                name: try row.get("milestone"), responsesCountMin: try row.get("responses_count_min"))
            let count: Int = try row.get("responses_count")
            open[try row.get("experiment"), default: (count, [])].milestones.append(milestone)
        }
        var events: [NewEvent] = []
        var reached: (experiments: [UUID], names: [String]) = ([], [])
        for (experiment, entry) in open.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
            for milestone in Milestone.reached(entry.milestones, responsesCount: entry.count) {
                reached.experiments.append(experiment)
                reached.names.append(milestone.name)
                let payload = MilestoneReached(
                    experiment: experiment, milestone: milestone.name,
                    responsesCountMin: milestone.responsesCountMin, responsesCount: entry.count, reachedAt: now)
                events.append(
                    NewEvent(
                        payload, subject: experiment.lowercase, time: now, actor: EventOwner.feedback.rawValue,
                        cause: cause))
            }
        }
        guard !events.isEmpty else { return [] }
        try await session.query(
            """
            update milestones as m set reached_at = \(now), reached_count = e.responses_count
            from unnest(\(reached.experiments), \(reached.names)) as k (experiment, milestone)
            join experiments as e on e.experiment = k.experiment
            where m.experiment = k.experiment and m.milestone = k.milestone
            """)
        return events
    }
}
