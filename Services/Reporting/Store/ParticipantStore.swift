import FoundationEssentials
import Postgres

/// Who takes part, and how many.
enum ParticipantStore {
    struct Enrolment: Sendable {
        let experiment: UUID
        let participant: UUID
        let event: UUID
    }

    static func record(_ enrolments: [Enrolment], in session: some PostgresSession) async throws(PostgresError) {
        // In one order for all writers.
        let sorted = enrolments.sorted {
            ($0.experiment.uuidString, $0.participant.uuidString) < (
                $1.experiment.uuidString, $1.participant.uuidString
            )
        }
        let (experiments, participants) = (sorted.map(\.experiment), sorted.map(\.participant))
        let events = sorted.map(\.event)
        try await session.query(
            """
            with enrolled as (
                insert into participants (experiment, participant, event_id)
                select * from unnest(\(experiments), \(participants), \(events))
                on conflict do nothing
                returning experiment
            )
            insert into participant_counts as c (experiment, participants_count)
            select experiment, count(*) from enrolled group by experiment order by experiment
            on conflict (experiment) do update
                set participants_count = c.participants_count + excluded.participants_count
            """)
    }

    static func counts(in session: some PostgresSession) async throws(PostgresError) -> [UUID: Int64] {
        var counts: [UUID: Int64] = [:]
        for row in try await session.query("select experiment, participants_count from participant_counts") {
            counts[try row.get("experiment")] = try row.get("participants_count")
        }
        return counts
    }
}
