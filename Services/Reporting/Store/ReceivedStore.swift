import Events
import FoundationEssentials
import Inbox
import Postgres

/// An event as it goes into the log.
struct ReceivedEvent: Sendable {
    let event: InboundEvent
    /// The payload as JSON without values about persons.
    let data: [UInt8]

    /// An event that says nothing about persons.
    init(_ event: InboundEvent) {
        self.event = event
        data = event.data
    }

    init(_ event: InboundEvent, data: [UInt8]) {
        self.event = event
        self.data = data
    }

    /// Leaves the values about persons out: what is not kept need not be found when it has to be erased. Their owner's
    /// log has them for as long as they may be had, and a replay of it brings the figures back.
    init<Payload: PersonalEventPayload>(_ event: InboundEvent, without payload: Payload) throws {
        var rest = payload
        rest.personal = nil
        self.init(event, data: try WireCoding.encode(rest))
    }
}

/// The append-only log of what was received.
enum ReceivedStore {
    /// Appends events; what was received before keeps its position.
    /// - Returns: the position of every event by its id.
    @discardableResult
    static func append(
        _ events: [ReceivedEvent], in session: some PostgresSession
    ) async throws(PostgresError) -> [UUID: Int64] {
        guard !events.isEmpty else { return [:] }
        let columns = Columns(events)
        let rows = try await session.query(
            """
            with given as materialized (
                select * from unnest(
                    \(columns.ids), \(columns.owners), \(columns.types), \(columns.subjects), \(columns.sequences),
                    \(columns.times), \(columns.correlations), \(columns.causations), \(columns.data))
                    as g (event_id, owner, type, subject, sequence, time, correlation, causation, data)
            ), appended as (
                insert into received (event_id, owner, type, subject, sequence, time, correlation, causation, data)
                select event_id, owner, type, subject, sequence, time, correlation, causation, data from given
                on conflict (event_id) do nothing
                returning event_id, position
            )
            select event_id, position from appended
            union all
            select r.event_id, r.position from received as r join given as g using (event_id)
            """)
        var positions: [UUID: Int64] = [:]
        for row in rows { positions[try row.get("event_id")] = try row.get("position") }
        return positions
    }

    private struct Columns {
        var ids = PostgresArray(.uuid)
        var owners = PostgresArray(.text)
        var types = PostgresArray(.text)
        var subjects = PostgresArray(.text)
        var sequences = PostgresArray(.int8)
        var times = PostgresArray(.timestamptz)
        var correlations = PostgresArray(.text)
        var causations = PostgresArray(.text)
        var data = PostgresArray(.text)

        init(_ events: [ReceivedEvent]) {
            for received in events {
                let event = received.event
                ids.append(uuid: event.id)
                owners.append(text: event.owner.rawValue)
                types.append(text: event.type)
                subjects.append(text: event.subject)
                sequences.append(int8: event.sequence)
                times.append(date: event.time)
                correlations.append(text: event.correlationID)
                if let causation = event.causationID {
                    causations.append(text: causation)
                } else {
                    causations.appendNull()
                }
                data.append(utf8: received.data.span)
            }
        }
    }
}
