import Events
import Inbox

/// Shows a site that its experiment has collected enough responses for the next tranche.
struct MilestoneConsumer: Sendable {
    let milestones: MilestoneStore

    var handlers: [EventHandler] {
        [
            .on(MilestoneReached.self, order: .commutative) { payload, _, transaction in
                let reached = ReachedMilestone(
                    milestone: payload.milestone, responsesCountMin: payload.responsesCountMin,
                    responsesCount: payload.responsesCount, reachedAt: payload.reachedAt)
                try await milestones.insert(reached, of: payload.experiment, in: transaction)
                return .applied
            }
        ]
    }
}
