package import FoundationEssentials
package import Postgres

/// Values about a person with which an event was published.
package struct PersonalPart: Sendable {
    package let event: UUID
    /// What they are about; an event may hold values about several.
    package let about: UUID

    package init(event: UUID, about: UUID) {
        self.event = event
        self.about = about
    }
}

extension EventLog {
    /// Deletes values about persons. The events stay as they are; from now on the relay and every replay publish them
    /// without these values, and the values of others in the same event remain.
    /// - Parameters:
    ///   - parts: of one list each event's named values go, of any other form the whole.
    ///   - member: names in each element of a list what the element is about.
    ///   - session: the transaction that makes the values obsolete.
    package static func erase(
        _ parts: [PersonalPart], by member: String, in session: some PostgresSession
    ) async throws(PostgresError) {
        guard !parts.isEmpty else { return }
        let (events, about) = (parts.map(\.event), parts.map(\.about))
        try await session.query(
            """
            with named as (
                select e.position, array_agg(k.about::text) as about
                from unnest(\(events), \(about)) as k (event, about) join events as e on e.id = k.event
                group by e.position
            ), remains as (
                select n.position, (
                    select '[' || string_agg(v.value::text, ',' order by v.place) || ']'
                    from json_array_elements(
                        case json_typeof(p.personal::json) when 'array' then p.personal::json else '[]'::json end
                    ) with ordinality as v (value, place)
                    where v.value ->> \(member)::text <> all (n.about)
                ) as personal
                from named as n join events_personal as p using (position)
            ), emptied as (
                delete from events_personal as p using remains as r
                where p.position = r.position and r.personal is null
            )
            update events_personal as p set personal = r.personal from remains as r
            where p.position = r.position and r.personal is not null
            """)
    }
}
