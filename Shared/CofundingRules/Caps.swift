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
        guard let ceilingCents = animationCeilingCents[structureType] else {
            throw .noCeiling(structureType: structureType)
        }
        return lowest(of: [
            (.animationRate, animationRate.roundedDown(of: budgetCents), source),
            (.animationCeiling, ceilingCents, source),
            (.requestedAmount, requestedCents, Self.requestSource),
        ])
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
        return lowest(of: [
            (.experimentRate, experimentRate.roundedDown(of: budgetCents), source),
            (.experimentCeiling, experimentCeilingCents, source),
            (.requestedAmount, requestedCents, Self.requestSource),
        ])
    }

    private typealias Cap = (rule: CofundingRule, valueCents: Int64, source: String)

    private static func check(_ budgetCents: Int64, _ requestedCents: Int64) throws(CofundingRulesError) {
        guard budgetCents >= 0 else { throw .negativeAmount(field: "budgetCents") }
        guard requestedCents >= 0 else { throw .negativeAmount(field: "requestedCents") }
    }

    /// - Parameter caps: not empty, in the order in which ties are decided: the first of equal values binds.
    private func lowest(of caps: [Cap]) -> CofundingResult {
        var binding = caps[0]
        for cap in caps.dropFirst() where cap.valueCents < binding.valueCents { binding = cap }
        return CofundingResult(
            grantedCents: binding.valueCents,
            bindingRule: binding.rule,
            ruleSet: name,
            derivation: caps.map {
                DerivationStep(
                    rule: $0.rule, valueCents: $0.valueCents, isBinding: $0.rule == binding.rule, source: $0.source)
            })
    }
}
