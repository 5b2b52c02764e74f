import Events
import Inbox
import ReportingDomain

/// Builds handlers of the events that say one thing about the programme: into the log, and into the facts.
enum FactConsumer {
    /// - Parameters:
    ///   - key: what the fact is about within its kind.
    ///   - fill: puts what the payload says into the fact; `time` is the event's unless it is set here.
    static func handler<Payload: EventPayload>(
        _ payload: Payload.Type, _ kind: FactKind, key: @escaping @Sendable (Payload) -> String,
        fill: @escaping @Sendable (Payload, inout ProgrammeFact) -> Void
    ) -> EventHandler {
        .batch(payload) { events, transaction in
            let facts = events.map { payload, event in
                var fact = ProgrammeFact(
                    kind, key: key(payload), sequence: event.sequence, event: event.id, time: event.time)
                fact.logPosition = event.position
                fill(payload, &fact)
                return fact
            }
            try await ReceivedStore.append(events.map { ReceivedEvent($0.event) }, in: transaction)
            try await FactStore.record(facts, in: transaction)
        }
    }
}
