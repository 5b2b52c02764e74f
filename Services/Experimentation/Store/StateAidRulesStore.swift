import CofundingRules
import Events
import Postgres
import StateAidWire

import struct FoundationEssentials.Date

/// The State-aid rules that funding published.
struct StateAidRulesStore: Sendable {
    /// Published rules do not change: second ones of the same name are the first ones again.
    func insert(_ payload: StateAidRulesPublished, in session: some PostgresSession) async throws {
        let json = PostgresJSON(bytes: try WireCoding.encode(payload))
        try await session.query(
            """
            insert into state_aid_rules (state_aid_rules, valid_from, payload)
            values (\(payload.stateAidRules), \(payload.validFromDay)::date, \(json))
            on conflict (state_aid_rules) do nothing
            """)
    }

    /// The legal day in Europe/Paris that holds the instant; a small image has no time zones, the database has.
    func day(of instant: Date, in session: some PostgresSession) async throws -> CalendarDay {
        let rows = try await session.query("select (\(instant) at time zone 'Europe/Paris')::date::text as day")
        guard let day = CalendarDay(try rows[0].get("day", as: String.self)) else {
            preconditionFailure("the database's day of an instant is none of the calendar from 1 to 9999")
        }
        return day
    }

    /// All of them; a programme has a handful.
    func all(in session: some PostgresSession) async throws -> [StateAidRules] {
        let rows = try await session.query(
            "select payload from state_aid_rules order by valid_from, state_aid_rules limit 1000")
        return try rows.map { row in
            let json: PostgresJSON = try row.get("payload")
            return try StateAidRules(WireCoding.decode(StateAidRulesPublished.self, from: json.bytes))
        }
    }
}
