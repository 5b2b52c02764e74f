package import CofundingRules

package import struct FoundationEssentials.Date

/// What somebody who asks for an estimate says of the aid's basis.
package struct AidSupposition: Sendable, Equatable {
    package let basis: AidBasis
    /// In Europe/Paris.
    package let day: CalendarDay
    /// In force on that day.
    package let rules: StateAidRules?

    package init(basis: AidBasis, day: CalendarDay, rules: StateAidRules?) {
        self.basis = basis
        self.day = day
        self.rules = rules
    }
}

extension Experiment {
    /// What the rules in force would grant, while funding has not decided; nil without rules, and where nothing is
    /// open, as after a termination. With a supposition, what the State-aid rules would allow is part of it, unless
    /// none are in force for it.
    package func cofundingEstimate(
        _ ruleSets: [CofundingRuleSet], at now: Date, supposing aid: AidSupposition? = nil
    ) -> CofundingResult? {
        guard state == .registered, cofunding == .requested, let ruleSet = ruleSets.inForce(at: now) else { return nil }
        if let aid {
            let claim = ExperimentClaim(
                budgetCents: budgetCents, eligibleCostCents: budgetCents, requestedCents: requestedCents,
                basis: aid.basis)
            if let result = try? ruleSet.experimentGrant(claim, on: aid.day, stateAid: aid.rules) { return result }
        }
        // The amounts were checked when they came in, and nothing else can make the rules refuse.
        return try? ruleSet.experimentGrant(budgetCents: budgetCents, requestedCents: requestedCents)
    }
}
