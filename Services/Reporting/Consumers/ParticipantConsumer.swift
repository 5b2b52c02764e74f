import Events
import Inbox

/// Enrolments: counted by internal ids. The code that outsiders know is not kept here, not even in the log.
enum ParticipantConsumer {
    static let handlers: [EventHandler] = [
        .batch(ParticipantEnrolled.self) { events, transaction in
            var received: [ReceivedEvent] = []
            var enrolments: [ParticipantStore.Enrolment] = []
            for (payload, event) in events {
                var kept = payload
                kept.pseudonym = ""
                received.append(ReceivedEvent(event, data: try WireCoding.encode(kept)))
                enrolments.append(
                    ParticipantStore.Enrolment(
                        experiment: payload.experiment, participant: payload.participant, event: event.id))
            }
            try await ReceivedStore.append(received, in: transaction)
            try await ParticipantStore.record(enrolments, in: transaction)
        }
    ]
}
