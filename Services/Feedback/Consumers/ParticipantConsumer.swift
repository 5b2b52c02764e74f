import Events
import Inbox

/// Who may answer, under which code.
enum ParticipantConsumer {
    static func handlers(_ experiments: ExperimentStore) -> [EventHandler] {
        [
            .batch(ParticipantEnrolled.self) { enrolments, transaction in
                // The responses that waited were caused by their publishers; the enrolment only let them pass.
                guard let cause = enrolments.last?.event.cause else { return }
                try await experiments.record(enrolments.map(\.payload), cause: cause, in: transaction)
            }
        ]
    }
}
