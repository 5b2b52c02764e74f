import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// Deletes what a person said wherever it lies: its versions, the personal parts of the events that told them, and
/// copies of refused messages under their names. What is left proves nothing: the digests' salts go too.
///
/// The caller holds the locks on the experiments.
struct AnswerErasure<Session: PostgresSession>: Sendable {
    let session: Session

    func erase(_ erasures: [PlannedErasure]) async throws(PostgresError) {
        guard !erasures.isEmpty else { return }
        let columns = ErasureColumns(erasures)
        var parts: [PersonalPart] = []
        for row in try await session.query(columns.eraseValues) {
            guard let event: UUID = try row.get("log_event") else { continue }
            parts.append(PersonalPart(event: event, about: try row.get("response")))
        }
        try await EventLog.erase(parts, by: "response", in: session)
        try await session.query(columns.eraseCopies)
    }
}

private struct ErasureColumns {
    private var responses = PostgresArray(.uuid)
    private var versions = PostgresArray(.int4)
    private var publishers = PostgresArray(.text)
    private var sources = PostgresArray(.text)
    private var ids = PostgresArray(.text)

    init(_ erasures: [PlannedErasure]) {
        for erasure in erasures {
            responses.append(uuid: erasure.response)
            versions.append(int4: Int32(clamping: erasure.version))
            publishers.append(text: erasure.event.publisher)
            sources.append(text: erasure.event.source)
            ids.append(text: erasure.event.id)
        }
    }

    var eraseValues: PostgresQuery {
        """
        update response_values as v set salt = null, score = null, scales = null, answers = null, comment = null
        from unnest(\(responses), \(versions), \(publishers)) as k (response, version, publisher)
        where v.response = k.response and v.version < k.version and v.salt is not null
            and coalesce(v.publisher, v.given_by) = k.publisher
        returning v.response, v.log_event
        """
    }

    var eraseCopies: PostgresQuery {
        """
        update quarantine as q set body = '', erased_at = clock_timestamp()
        from (
            select d.publisher, d.source, d.event_id
            from unnest(\(responses), \(versions), \(publishers)) as k (response, version, publisher)
            join response_values as v on v.response = k.response and v.publisher = k.publisher
                and v.version < k.version
            cross join lateral (select * from identities as i where i.key = v.event limit 1) as d
            union
            select i.publisher, i.source, i.event_id
            from unnest(\(responses), \(publishers), \(sources), \(ids)) as k (response, publisher, source, event_id)
            join identities as i on i.response = k.response and i.publisher = k.publisher and i.outcome = 'refused'
                and (i.source, i.event_id) <> (k.source, k.event_id)
        ) as named
        where q.publisher = named.publisher and q.source = named.source and q.event_id = named.event_id
            and q.erased_at is null
        """
    }
}
