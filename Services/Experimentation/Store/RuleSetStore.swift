import CofundingRules
import Events
import Postgres

/// The co-funding rules that funding published.
struct RuleSetStore: Sendable {
    /// Published rule sets do not change: a second one of the same name is the first one again.
    func insert(_ payload: RuleSetPublished, in session: some PostgresSession) async throws {
        let json = PostgresJSON(bytes: try WireCoding.encode(payload))
        try await session.query(
            """
            insert into rule_sets (rule_set, valid_from, payload)
            values (\(payload.ruleSet), \(payload.validFrom), \(json))
            on conflict (rule_set) do nothing
            """)
    }

    /// All of them; a programme has a handful.
    func all(in session: some PostgresSession) async throws -> [CofundingRuleSet] {
        try await session.query("select payload from rule_sets order by valid_from, rule_set limit 1000").map { row in
            let json: PostgresJSON = try row.get("payload")
            return try CofundingRuleSet(WireCoding.decode(RuleSetPublished.self, from: json.bytes))
        }
    }
}

extension CofundingRuleSet {
    init(_ payload: RuleSetPublished) throws(CofundingRulesError) {
        try self.init(
            name: payload.ruleSet, validFrom: payload.validFrom,
            animation: RateAndCeilings(
                basisPoints: payload.animationRateBasisPoints, ceilingCents: payload.animationCeilingCents),
            experiment: RateAndCeiling(
                basisPoints: payload.experimentRateBasisPoints, ceilingCents: payload.experimentCeilingCents),
            source: payload.source)
    }
}
