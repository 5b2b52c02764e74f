import CofundingRules
import Events
import Inbox
import StateAidWire

/// Keeps the co-funding rules and the State-aid rules that funding publishes: drafts are checked against them.
struct RuleSetConsumer: Sendable {
    let ruleSets: RuleSetStore
    let stateAid: StateAidRulesStore

    var handlers: [EventHandler] {
        [
            .on(RuleSetPublished.self, order: .commutative) { payload, _, transaction in
                do throws(CofundingRulesError) {
                    _ = try CofundingRuleSet(payload)
                } catch {
                    throw PermanentFailure(class: error.slug, reason: error.description)
                }
                try await ruleSets.insert(payload, in: transaction)
                return .applied
            },
            .on(StateAidRulesPublished.self, order: .commutative) { payload, _, transaction in
                do throws(CofundingRulesError) {
                    _ = try StateAidRules(payload)
                } catch {
                    throw PermanentFailure(class: error.slug, reason: error.description)
                }
                try await stateAid.insert(payload, in: transaction)
                return .applied
            },
        ]
    }
}
