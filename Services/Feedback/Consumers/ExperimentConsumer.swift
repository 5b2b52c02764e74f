import Events
import Inbox

/// Registered, started, completed or terminated: when responses count.
enum ExperimentConsumer {
    static func handlers(_ experiments: ExperimentStore) -> [EventHandler] {
        [
            .on(ExperimentRegistered.self, order: .commutative) { registered, event, transaction in
                try await experiments.record(registered, at: event.time, in: transaction)
                return .applied
            },
            .on(ExperimentStarted.self, order: .commutative) { started, event, transaction in
                try await experiments.record(started, cause: event.cause, in: transaction)
                return .applied
            },
            .on(ExperimentCompleted.self, order: .commutative) { completed, event, transaction in
                try await experiments.recordEnd(
                    of: completed.experiment, at: completed.completedAt, cause: event.cause, in: transaction)
                return .applied
            },
            .on(ExperimentTerminated.self, order: .commutative) { terminated, event, transaction in
                try await experiments.recordEnd(
                    of: terminated.experiment, at: terminated.terminatedAt, cause: event.cause, in: transaction)
                return .applied
            },
        ]
    }
}
