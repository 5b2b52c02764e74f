package import Events
package import FoundationEssentials
import Observability
package import Outbox

/// An event as a handler gets it.
package struct InboundEvent: Sendable {
    package let id: UUID
    package let owner: EventOwner
    /// The whole name, `funding.grant.reserved.v1`.
    package let type: String
    /// The noun.
    package let stream: String
    package let subject: String
    /// From 1 within (owner, stream, subject).
    package let sequence: Int64
    /// Business time of the owner.
    package let time: Date
    package let correlationID: String
    package let causationID: String?
    package let traceparent: String?
    /// Where it stands in its owner's log; nil when the message does not tell. For counting, never for order: positions
    /// of several subjects commit in any order.
    package let position: Int64?
    /// The payload as JSON, `personal` included.
    package let data: [UInt8]

    init(_ envelope: EventEnvelope, position: Int64?) {
        self.position = position.flatMap { $0 > 0 ? $0 : nil }
        id = envelope.id
        owner = envelope.type.owner
        type = envelope.type.name
        stream = envelope.type.noun
        subject = envelope.subject
        sequence = envelope.sequence
        time = envelope.time
        correlationID = envelope.correlationID
        causationID = envelope.causationID
        traceparent = envelope.traceparent
        data = envelope.data
    }

    /// For the events that the handler appends: same correlation, caused by this event, in this event's trace.
    package var cause: EventCause {
        EventCause(
            correlationID: correlationID, causationID: id.lowercase,
            traceparent: TraceContext.current?.traceparent ?? traceparent)
    }

    /// What it says, in business words; nil when its type has none or its payload cannot be read.
    package var words: BusinessWords? { EventWords.of(type, data: data) }

    /// What a listener has not done because of it.
    /// - Parameter effects: by event type.
    package func words(notDone effects: [String: BusinessWords]) -> BusinessWords? {
        guard let effect = effects[type], let words else { return nil }
        return BusinessWords(effect, because: words)
    }

    var key: OrderKey { OrderKey(owner: owner, stream: stream, subject: subject) }
}

/// What events are numbered in, across all owners.
struct OrderKey: Hashable, Sendable, Comparable {
    let owner: EventOwner
    let stream: String
    let subject: String

    static func < (left: OrderKey, right: OrderKey) -> Bool {
        (left.owner, left.stream, left.subject) < (right.owner, right.stream, right.subject)
    }
}
