import CofundingRules
import Events
import Postgres
import StateAidWire

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
