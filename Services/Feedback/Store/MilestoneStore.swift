import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

enum MilestoneStatements {
    /// Asks what ``MilestoneStore/settle(_:now:cause:)`` takes.
    static func state(of experiments: [UUID]) -> PostgresQuery {
        """
        select e.experiment, e.responses_count, m.milestone, m.responses_count_min, m.reached_at is not null
            as is_reached, m.version, m.is_planned
        from experiments as e join milestones as m using (experiment)
        where e.experiment = any(\(experiments))
        """
    }
}

/// Milestones against the number of valid responses. The caller holds the experiments' rows.
struct MilestoneStore<Session: PostgresSession>: Sendable {
    let session: Session

    /// Marks the milestones that the counts of now reach or lose.
    /// - Returns: one event for each, to be appended by the caller.
    func settle(_ rows: PostgresRows, now: Date, cause: EventCause) async throws(PostgresError) -> [NewEvent] {
        var all: [UUID: (count: Int, milestones: [Milestone])] = [:]
        for row in rows {
            let milestone = Milestone(
                name: try row.get("milestone"), responsesCountMin: try row.get("responses_count_min"),
                isReached: try row.get("is_reached"), version: Int(try row.get("version", as: Int32.self)),
                isPlanned: try row.get("is_planned"))
            let count: Int = try row.get("responses_count")
            all[try row.get("experiment"), default: (count, [])].milestones.append(milestone)
        }
        var events: [NewEvent] = []
        var changed: [(experiment: UUID, milestone: Milestone)] = []
        for (experiment, entry) in all.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
            for milestone in Milestone.changes(of: entry.milestones, responsesCount: entry.count) {
                changed.append((experiment, milestone))
                let change = Change(experiment: experiment, milestone: milestone, count: entry.count, at: now)
                events.append(change.event(cause))
            }
        }
        try await save(changed, now: now)
        return events
    }

    private func save(_ changed: [(experiment: UUID, milestone: Milestone)], now: Date) async throws(PostgresError) {
        guard !changed.isEmpty else { return }
        let (experiments, names) = (changed.map(\.experiment), changed.map(\.milestone.name))
        let (reached, versions) = (
            changed.map(\.milestone.isReached), changed.map { Int32(clamping: $0.milestone.version) }
        )
        try await session.enqueue(
            """
            update milestones as m set version = k.version, reached_at = case when k.is_reached then \(now) end,
                reached_count = case when k.is_reached then e.responses_count end
            from unnest(\(experiments), \(names), \(reached), \(versions))
                as k (experiment, milestone, is_reached, version)
            join experiments as e on e.experiment = k.experiment
            where m.experiment = k.experiment and m.milestone = k.milestone
            """)
    }

    private struct Change {
        let experiment: UUID
        let milestone: Milestone
        let count: Int
        let at: Date

        func event(_ cause: EventCause) -> NewEvent {
            milestone.isReached
                ? event(
                    MilestoneReached(
                        experiment: experiment, milestone: milestone.name,
                        responsesCountMin: milestone.responsesCountMin, responsesCount: count, reachedAt: at,
                        version: milestone.version), cause)
                : event(
                    MilestoneLost(
                        experiment: experiment, milestone: milestone.name,
                        responsesCountMin: milestone.responsesCountMin, responsesCount: count, lostAt: at,
                        version: milestone.version), cause)
        }

        private func event(_ payload: some EventPayload, _ cause: EventCause) -> NewEvent {
            NewEvent(
                payload, subject: experiment.lowercase, time: at, actor: EventOwner.feedback.rawValue, cause: cause)
        }
    }
}
