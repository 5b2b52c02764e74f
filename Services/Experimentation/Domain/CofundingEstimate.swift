package import CofundingRules

package import struct FoundationEssentials.Date

extension Experiment {
    /// What the rules in force would grant, while funding has not decided; nil without rules, and where nothing is
    /// open.
    package func cofundingEstimate(_ ruleSets: [CofundingRuleSet], at now: Date) -> CofundingResult? {
        guard cofunding == .requested, let ruleSet = ruleSets.inForce(at: now) else { return nil }
        // The amounts were checked when they came in, and nothing else can make the rules refuse.
        return try? ruleSet.experimentGrant(budgetCents: budgetCents, requestedCents: requestedCents)
    }
}
