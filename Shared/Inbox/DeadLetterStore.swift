import Events
import FoundationEssentials
import Outbox
import Postgres

/// The statements about messages that cannot be applied. Each notes the receipt in the same transaction: what is among
/// the dead letters is settled, and its redelivery a duplicate.
struct DeadLetterStore {
    private static let reasonBytesMax = 2_000

    private let session: PostgresTransaction

    init(_ session: PostgresTransaction) { self.session = session }

    /// - Returns: whether the event had not been received before.
    func bury(_ message: InboundMessage, _ failure: PermanentFailure) async throws(PostgresError) -> Bool {
        let inbox = InboxStore(session)
        let event = message.event
        guard try await !inbox.insert([event]).isEmpty else { return false }
        if message.isSequenced {
            _ = try await inbox.lock([event.key])
            try await inbox.markDead(event.key, event.sequence)
        }
        try await insert(message, failure, attempts: message.source.deliveryNumber)
        return true
    }

    /// Moves a parked event.
    /// - Returns: it; nil when it is not parked any more.
    func buryParked(_ id: UUID, _ failure: PermanentFailure) async throws(PostgresError) -> OrderKey? {
        let found = try await session.query(
            "select owner, stream, subject, sequence, is_ordered, body from inbox_parked where id = \(id)")
        guard let row = found.first else { return nil }
        let key = OrderKey(owner: try row.get("owner"), stream: try row.get("stream"), subject: try row.get("subject"))
        if try row.get("is_ordered", as: Bool.self) {
            let inbox = InboxStore(session)
            _ = try await inbox.lock([key])
            try await inbox.markDead(key, try row.get("sequence"))
        }
        let type = try? EventEnvelope(decoding: row.get("body")).type.name
        let moved = try await session.query(
            """
            with parked as (delete from inbox_parked where id = \(id) returning *)
            insert into dead_letters (message_id, event_id, type, owner, stream, subject, sequence, class, reason,
                exchange, routing_key, headers, body, first_seen, attempts)
            select id::text, id, \(type as String?), owner, stream, subject, sequence, \(Self.clean(failure.class)),
                \(Self.clean(failure.reason)), exchange, routing_key, headers, body, parked_at, attempts + 1
            from parked
            """)
        return moved.affectedCount > 0 ? key : nil
    }

    /// Something that is not one of our events. Its digest stands in for the id that it lacks.
    /// - Returns: whether it had not been received before.
    func bury(_ source: MessageSource, _ failure: PermanentFailure) async throws(PostgresError) -> Bool {
        let inserted = try await session.query(
            """
            with receipt as (
                insert into inbox (id) values (encode(substring(sha256(\(source.body)) from 1 for 16), 'hex')::uuid)
                on conflict do nothing returning id
            )
            insert into dead_letters (message_id, class, reason, exchange, routing_key, headers, body, attempts)
            select \(source.messageID as String?), \(Self.clean(failure.class)), \(Self.clean(failure.reason)),
                \(source.exchange), \(source.routingKey), \(source.headers), \(source.body), \(source.deliveryNumber)
            from receipt
            """)
        return inserted.affectedCount > 0
    }

    private func insert(
        _ message: InboundMessage, _ failure: PermanentFailure, attempts: Int
    ) async throws(PostgresError) {
        let (event, source) = (message.event, message.source)
        try await session.query(
            """
            insert into dead_letters (message_id, event_id, type, owner, stream, subject, sequence, class, reason,
                exchange, routing_key, headers, body, attempts)
            values (\(source.messageID as String?), \(event.id), \(event.type), \(event.owner.rawValue),
                \(event.stream), \(event.subject), \(event.sequence), \(Self.clean(failure.class)),
                \(Self.clean(failure.reason)), \(source.exchange), \(source.routingKey), \(source.headers),
                \(source.body), \(attempts))
            """)
    }

    private static func clean(_ text: String) -> String { StoredText.clean(text, bytesMax: reasonBytesMax) }
}
