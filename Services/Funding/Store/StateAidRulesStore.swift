import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres
import StateAidWire

/// The published State-aid rules.
struct StateAidRulesStore: Sendable {
    let allotments: AllotmentStore

    /// Publishes State-aid rules and serves the calls that waited for some.
    func publish(
        _ rules: StateAidRules, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await RuleSetStore.waitForReaders(in: session)
        let today = try await ParisDays.day(of: command.now, in: session)
        try RuleSetSuccession.check(rules, after: try await Self.all(in: session), on: today)
        let payload = StateAidRulesPublished(rules)
        try await session.query(
            """
            insert into state_aid_rules (name, valid_from, payload, published_at, published_by)
            values (\(rules.name), \(payload.validFromDay)::date,
                \(PostgresJSON(bytes: try WireCoding.encode(payload))), \(command.now), \(command.actor))
            """)
        try await EventLog.append([command.event(payload, about: rules.name)], in: session)
        try await allotments.advanceWaitingForRules(command, in: session)
    }

    /// All of them, the latest first; there are a handful.
    static func all(in session: some PostgresSession) async throws -> [StateAidRules] {
        let rows = try await session.query("select payload from state_aid_rules order by valid_from desc")
        return try rows.map { row in
            let json: PostgresJSON = try row.get("payload")
            return try StateAidRules(WireCoding.decode(StateAidRulesPublished.self, from: json.bytes))
        }
    }
}
