package import Events
package import Postgres

/// What a handler made of an event.
package enum HandlerOutcome: Sendable, Equatable {
    case applied
    /// It means nothing here.
    case ignored(reason: String)
    /// Something that it needs is not known yet: it is parked and tried again, from 1 s to 5 min apart, until it is.
    /// Events of the same subject behind it wait, when the handler is ``HandlerOrder/inSequence``. The reason holds no
    /// personal data.
    case notReady(reason: String)
}

/// The event cannot be applied, now or later: it goes to the dead letters.
package struct PermanentFailure: Error, Equatable {
    /// A slug, for grouping.
    package let `class`: String
    /// Without personal data.
    package let reason: String

    package init(class: String, reason: String) {
        self.class = `class`
        self.reason = reason
    }
}

/// Whether an event needs those before it.
package enum HandlerOrder: Sendable {
    /// Every event of the noun is applied in its order within the subject, under a lock; what comes early is parked.
    case inSequence
    /// The final state is the same for every order.
    case commutative
}

/// What a service does with one type of event, in the transaction that notes its receipt.
///
/// A handler may run again for the same event after a failed transaction, never after a committed one. An error from
/// the database that is retriable, it lets pass.
package struct EventHandler: Sendable {
    typealias Single = @Sendable (InboundEvent, PostgresTransaction) async throws -> HandlerOutcome
    typealias Batch = @Sendable ([InboundEvent], PostgresTransaction) async throws -> Void

    enum Body: Sendable {
        case single(HandlerOrder, Single)
        case batch(Batch)
    }

    package let type: EventType
    let body: Body

    /// Applies events one by one.
    package static func on<Payload: EventPayload>(
        _ payload: Payload.Type, order: HandlerOrder = .inSequence,
        apply: @escaping @Sendable (Payload, InboundEvent, PostgresTransaction) async throws -> HandlerOutcome
    ) -> EventHandler {
        EventHandler(
            type: Payload.type,
            body: .single(order) { event, transaction in
                try await apply(decode(Payload.self, event), event, transaction)
            })
    }

    /// Applies all events of the type that a transaction has, in one call: for commutative effects by a few
    /// statements. If it throws, the batch is halved until the event at fault is alone.
    package static func batch<Payload: EventPayload>(
        _ payload: Payload.Type,
        apply: @escaping @Sendable ([(payload: Payload, event: InboundEvent)], PostgresTransaction) async throws -> Void
    ) -> EventHandler {
        batch(of: Payload.type) { events, transaction in
            var decoded: [(payload: Payload, event: InboundEvent)] = []
            decoded.reserveCapacity(events.count)
            for event in events { decoded.append((try decode(Payload.self, event), event)) }
            try await apply(decoded, transaction)
        }
    }

    /// As ``batch(_:apply:)`` with payloads left as JSON, for handlers that hand them to SQL or scan them:
    /// `JSONDecoder` costs more per event than everything else here together.
    package static func batch(
        of type: EventType, apply: @escaping @Sendable ([InboundEvent], PostgresTransaction) async throws -> Void
    ) -> EventHandler {
        EventHandler(type: type, body: .batch(apply))
    }

    /// The same handler, with a witness in its transactions who is told the events that it has dealt with. For proofs
    /// that none is dealt with twice, which handlers that mend it themselves would hide.
    package func witnessed(
        by witness: @escaping @Sendable ([InboundEvent], PostgresTransaction) async throws -> Void
    ) -> EventHandler {
        switch body {
        case .single(let order, let apply):
            EventHandler(
                type: type,
                body: .single(order) { event, transaction in
                    let outcome = try await apply(event, transaction)
                    if case .notReady = outcome { return outcome }
                    try await witness([event], transaction)
                    return outcome
                })
        case .batch(let apply):
            EventHandler(
                type: type,
                body: .batch { events, transaction in
                    try await apply(events, transaction)
                    try await witness(events, transaction)
                })
        }
    }

    private static func decode<Payload: EventPayload>(
        _ type: Payload.Type, _ event: InboundEvent
    ) throws(HandlerFailure) -> Payload {
        do {
            return try WireCoding.decode(type, from: event.data)
        } catch {
            throw HandlerFailure(eventID: event.id, error: PermanentFailure(class: "payload", reason: describe(error)))
        }
    }

    /// Where the payload is at fault, without its values.
    private static func describe(_ error: any Error) -> String {
        let context: DecodingError.Context?
        let what: String
        switch error as? DecodingError {
        case .keyNotFound(let key, let found): (what, context) = ("\(key.stringValue) is missing", found)
        case .typeMismatch(let type, let found): (what, context) = ("\(type) is expected", found)
        case .valueNotFound(let type, let found): (what, context) = ("\(type) is expected, not null", found)
        case .dataCorrupted(let found): (what, context) = ("the value is not acceptable", found)
        default: (what, context) = ("the payload cannot be decoded", nil)
        }
        let path = context?.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue } ?? []
        return path.isEmpty ? what : "\(path.joined(separator: ".")): \(what)"
    }
}
