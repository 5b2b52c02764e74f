extension CofundingRuleSet {
    /// The source of a step that follows from no rule.
    package static let requestSource = "amount requested"

    /// Grant for the animation of a third place: the lowest of rate × forecast budget, the ceiling for the structure
    /// type of the lead, and what was requested, in whole cents rounded down.
    ///
    /// - Parameters:
    ///   - budgetCents: forecast budget of the animation, from 0.
    ///   - requestedCents: from 0.
    ///   - structureType: of the consortium's lead, as the rule set names it.
    package func animationGrant(
        budgetCents: Int64, requestedCents: Int64, structureType: String
    ) throws(CofundingRulesError) -> CofundingResult {
        try Self.check(budgetCents, requestedCents)
        return lowest(
            of: try caps(of: .animation(structureType: structureType), budgetCents: budgetCents)
                + [.requested(requestedCents)])
    }

    /// Grant for an experiment: the lowest of rate × overall budget, the ceiling per experiment, and what was
    /// requested, in whole cents rounded down.
    ///
    /// - Parameters:
    ///   - budgetCents: overall budget of the experiment, from 0.
    ///   - requestedCents: from 0.
    package func experimentGrant(
        budgetCents: Int64, requestedCents: Int64
    ) throws(CofundingRulesError) -> CofundingResult {
        try Self.check(budgetCents, requestedCents)
        return lowest(of: try caps(of: .experiment, budgetCents: budgetCents) + [.requested(requestedCents)])
    }

    /// Grant for the animation of a third place to one beneficiary: the caps of
    /// `animationGrant(budgetCents:requestedCents:structureType:)`, and what its basis allows under the State-aid
    /// rules.
    ///
    /// - Parameters:
    ///   - day: on which the right is conferred, in Europe/Paris, whatever the payment date.
    ///   - stateAid: in force on that day; nil suffices without economic activity.
    package func animationGrant(
        _ claim: AnimationClaim, on day: CalendarDay, stateAid: StateAidRules?
    ) throws(CofundingRulesError) -> CofundingResult {
        try Self.check(claim.budgetCents, claim.requestedCents, eligibleCostCents: claim.eligibleCostCents)
        let published = try caps(
            of: .animation(structureType: claim.structureType), budgetCents: claim.budgetCents)
        let finding = try claim.basis.map { basis throws(CofundingRulesError) in
            try basis.finding(eligibleCostCents: claim.eligibleCostCents, on: day, under: stateAid)
        }
        return lowest(
            of: published + Cap.list(finding, budgetCents: claim.budgetCents) + [.requested(claim.requestedCents)],
            finding)
    }

    /// Grant for an experiment to one beneficiary: the caps of `experimentGrant(budgetCents:requestedCents:)`, and what
    /// its basis allows under the State-aid rules.
    ///
    /// - Parameters:
    ///   - day: on which the right is conferred, in Europe/Paris, whatever the payment date.
    ///   - stateAid: in force on that day; nil suffices without economic activity.
    package func experimentGrant(
        _ claim: ExperimentClaim, on day: CalendarDay, stateAid: StateAidRules?
    ) throws(CofundingRulesError) -> CofundingResult {
        try Self.check(claim.budgetCents, claim.requestedCents, eligibleCostCents: claim.eligibleCostCents)
        let finding = try claim.basis.finding(
            eligibleCostCents: claim.eligibleCostCents, on: day, under: stateAid)
        return lowest(
            of: try caps(of: .experiment, budgetCents: claim.budgetCents)
                + Cap.list(finding, budgetCents: claim.budgetCents) + [.requested(claim.requestedCents)],
            finding)
    }

    private static func check(
        _ budgetCents: Int64, _ requestedCents: Int64, eligibleCostCents: Int64 = 0
    ) throws(CofundingRulesError) {
        guard budgetCents >= 0 else { throw .negativeAmount(field: "budgetCents") }
        guard eligibleCostCents >= 0 else { throw .negativeAmount(field: "eligibleCostCents") }
        guard requestedCents >= 0 else { throw .negativeAmount(field: "requestedCents") }
    }
}
