import Events
import Inbox

/// Shows a site that its experiment has collected enough responses for the next tranche, or no longer has.
struct MilestoneConsumer: Sendable {
    let milestones: MilestoneStore

    var handlers: [EventHandler] {
        [
            .on(MilestoneReached.self, order: .commutative) { payload, _, transaction in
                let change = MilestoneChange(
                    milestone: payload.milestone, responsesCountMin: payload.responsesCountMin,
                    responsesCount: payload.responsesCount, isReached: true, changedAt: payload.reachedAt,
                    version: payload.version)
                try await milestones.record(change, of: payload.experiment, in: transaction)
                return .applied
            },
            .on(MilestoneLost.self, order: .commutative) { payload, _, transaction in
                let change = MilestoneChange(
                    milestone: payload.milestone, responsesCountMin: payload.responsesCountMin,
                    responsesCount: payload.responsesCount, isReached: false, changedAt: payload.lostAt,
                    version: payload.version)
                try await milestones.record(change, of: payload.experiment, in: transaction)
                return .applied
            },
        ]
    }
}
