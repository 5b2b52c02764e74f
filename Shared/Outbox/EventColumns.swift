import Events
import Postgres

/// The events of one call as the columns that a single statement unnests.
struct EventColumns {
    private var ids: PostgresArray
    private var types: PostgresArray
    private var streams: PostgresArray
    private var subjects: PostgresArray
    /// How many events of the same subject follow in this call.
    private var laterCounts: PostgresArray
    private var actors: PostgresArray
    private var times: PostgresArray
    private var correlations: PostgresArray
    private var causations: PostgresArray
    private var traceparents: PostgresArray
    private var data: PostgresArray
    private var personal: PostgresArray
    /// Each subject once with its number of events, in the order in which all writers lock them.
    private var lockedStreams = PostgresArray(.text)
    private var lockedSubjects = PostgresArray(.text)
    private var counts = PostgresArray(.int8)

    init(_ events: [NewEvent]) throws(EventLogError) {
        ids = PostgresArray(.uuid, reserving: events.count)
        types = PostgresArray(.text, reserving: events.count)
        streams = PostgresArray(.text, reserving: events.count)
        subjects = PostgresArray(.text, reserving: events.count)
        laterCounts = PostgresArray(.int8, reserving: events.count)
        actors = PostgresArray(.text, reserving: events.count)
        times = PostgresArray(.timestamptz, reserving: events.count)
        correlations = PostgresArray(.text, reserving: events.count)
        causations = PostgresArray(.text, reserving: events.count)
        traceparents = PostgresArray(.text, reserving: events.count)
        data = PostgresArray(.text, reserving: events.count)
        personal = PostgresArray(.text, reserving: events.count)
        var left: [SubjectKey: Int64] = [:]
        for event in events { left[event.key, default: 0] += 1 }
        for (key, count) in left.sorted(by: { $0.key < $1.key }) {
            lockedStreams.append(text: key.stream)
            lockedSubjects.append(text: key.subject)
            counts.append(int8: count)
        }
        for event in events {
            let laterCount = left[event.key, default: 1] - 1
            left[event.key] = laterCount
            laterCounts.append(int8: laterCount)
            try append(event)
        }
    }

    private mutating func append(_ event: NewEvent) throws(EventLogError) {
        let body = try event.body.get()
        ids.append(uuid: event.id)
        types.append(text: event.type.name)
        streams.append(text: event.type.noun)
        subjects.append(text: event.subject)
        actors.append(text: event.actor)
        times.append(date: event.time)
        correlations.append(text: event.cause.correlationID)
        causations.append(optional: event.cause.causationID)
        traceparents.append(optional: event.cause.traceparent)
        data.append(utf8: body.data.span)
        if let values = body.personal { personal.append(utf8: values.span) } else { personal.appendNull() }
    }

    /// Every event joins the row of its subject, which the first part of the statement locked: positions and numbers
    /// of one subject grow together, because the position is drawn behind the lock.
    ///
    /// The joins are `full` although every row finds its partner: a generic plan expects ten elements in an array and
    /// would choose a nested loop, 250,000 comparisons for 500 events, and a full join cannot be one.
    var insert: PostgresQuery {
        """
        with bumped as (
            insert into streams as s (stream, subject, version)
            select g.stream, g.subject, g.event_count
            from unnest(\(lockedStreams), \(lockedSubjects), \(counts)) with ordinality
                as g (stream, subject, event_count, place)
            order by g.place
            on conflict (stream, subject) do update set version = s.version + excluded.version
            returning s.stream, s.subject, s.version
        ), given as materialized (
            select * from unnest(
                \(ids), \(types), \(streams), \(subjects), \(laterCounts), \(actors), \(times), \(correlations),
                \(causations), \(traceparents), \(data), \(personal)) with ordinality
                as e (id, type, stream, subject, later_count, actor, time, correlation, causation, traceparent, data,
                    personal, place)
        ), logged as (
            insert into events (
                id, type, stream, subject, sequence, actor, time, correlation, causation, traceparent, data)
            select e.id, e.type, e.stream, e.subject, b.version - e.later_count, e.actor, e.time, e.correlation,
                e.causation, e.traceparent, e.data
            from given as e full join bumped as b on b.stream = e.stream and b.subject = e.subject
            order by e.place
            returning position, id
        ), queued as (
            insert into outbox (position) select position from logged
        )
        insert into events_personal (position, personal)
        select l.position, e.personal
        from logged as l full join given as e on e.id = l.id
        where coalesce(e.personal, '') <> ''
        """
    }
}

extension PostgresArray {
    fileprivate mutating func append(optional text: String?) {
        if let text { append(text: text) } else { appendNull() }
    }
}

extension NewEvent {
    /// What ``EventColumns/insert`` does, for one event: a column more is to be added to both.
    var insert: PostgresQuery {
        get throws(EventLogError) {
            let body = try body.get()
            let personal = body.personal.map { String(decoding: $0, as: UTF8.self) }
            return """
                with bumped as (
                    insert into streams as s (stream, subject, version) values (\(type.noun), \(subject), 1)
                    on conflict (stream, subject) do update set version = s.version + 1
                    returning s.stream, s.subject, s.version
                ), logged as (
                    insert into events (
                        id, type, stream, subject, sequence, actor, time, correlation, causation, traceparent, data)
                    select \(id), \(type.name), b.stream, b.subject, b.version, \(actor), \(time),
                        \(cause.correlationID), \(cause.causationID), \(cause.traceparent),
                        \(String(decoding: body.data, as: UTF8.self))
                    from bumped as b
                    returning position
                ), queued as (
                    insert into outbox (position) select position from logged
                )
                insert into events_personal (position, personal)
                select l.position, p.personal from logged as l, (select \(personal) as personal) as p
                where p.personal <> ''
                """
        }
    }
}
