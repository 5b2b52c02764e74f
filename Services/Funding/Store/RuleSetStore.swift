import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date

/// The published rule sets.
struct RuleSetStore: Sendable {
    let allotments: AllotmentStore

    /// Publishes a rule set and serves the calls that waited for one.
    func publish(
        _ ruleSet: CofundingRuleSet, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await Self.waitForReaders(in: session)
        try RuleSetSuccession.check(ruleSet, after: try await Self.all(in: session), at: command.now)
        let ceilings = PostgresJSON(bytes: try WireCoding.encode(ruleSet.animationCeilingCents))
        try await session.query(
            """
            insert into rule_sets (name, valid_from, animation_rate_basis_points, animation_ceiling_cents,
                experiment_rate_basis_points, experiment_ceiling_cents, source, published_at, published_by)
            values (\(ruleSet.name), \(ruleSet.validFrom), \(ruleSet.animationRate.value), \(ceilings),
                \(ruleSet.experimentRate.value), \(ruleSet.experimentCeilingCents), \(ruleSet.source),
                \(command.now), \(command.actor))
            """)
        let payload = RuleSetPublished(
            ruleSet: ruleSet.name, validFrom: ruleSet.validFrom,
            animationRateBasisPoints: ruleSet.animationRate.value,
            animationCeilingCents: ruleSet.animationCeilingCents,
            experimentRateBasisPoints: ruleSet.experimentRate.value,
            experimentCeilingCents: ruleSet.experimentCeilingCents, source: ruleSet.source)
        try await EventLog.append([command.event(payload, about: ruleSet.name)], in: session)
        try await allotments.advanceWaitingForRules(command, in: session)
    }

    /// All rule sets, the latest first; there are a handful.
    static func all(in session: some PostgresSession) async throws -> [CofundingRuleSet] {
        let rows = try await session.query("select * from rule_sets order by valid_from desc")
        return try rows.map { row in
            let ceilings = try row.get("animation_ceiling_cents", as: PostgresJSON.self)
            return try CofundingRuleSet(
                name: try row.get("name"), validFrom: try row.get("valid_from"),
                animation: RateAndCeilings(
                    basisPoints: try row.get("animation_rate_basis_points"),
                    ceilingCents: try ceilings.decode([String: Int64].self)),
                experiment: RateAndCeiling(
                    basisPoints: try row.get("experiment_rate_basis_points"),
                    ceilingCents: try row.get("experiment_ceiling_cents")),
                source: try row.get("source"))
        }
    }

    // Whoever grants reads rules and declarations under the shared lock; who publishes or declares waits for them and
    // keeps later ones out until the commit. Else a decision that is being served could miss the new rules and then
    // wait for them for ever.

    static func holdStill(in session: some PostgresSession) async throws {
        try await session.query("select pg_advisory_xact_lock_shared(hashtextextended('funding.rule-sets', 0))")
    }

    static func waitForReaders(in session: some PostgresSession) async throws {
        try await session.query("select pg_advisory_xact_lock(hashtextextended('funding.rule-sets', 0))")
    }
}
