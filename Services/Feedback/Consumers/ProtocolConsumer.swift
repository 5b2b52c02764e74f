import Events
import Inbox

/// What is measured and when, what consent it needs, and how many responses make a milestone.
enum ProtocolConsumer {
    static func handlers(_ experiments: ExperimentStore) -> [EventHandler] {
        [
            .on(ProtocolApproved.self, order: .commutative) { approved, event, transaction in
                try await experiments.record(approved, at: event.time, cause: event.cause, in: transaction)
                return .applied
            }
        ]
    }
}
