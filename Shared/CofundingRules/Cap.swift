/// A rule with what it allows.
struct Cap {
    let rule: CofundingRule
    let valueCents: Int64
    let source: String
    var inputs: [String] = []

    static func requested(_ cents: Int64) -> Cap {
        Cap(rule: .requestedAmount, valueCents: cents, source: CofundingRuleSet.requestSource)
    }

    static func list(_ finding: StateAidFinding?, budgetCents: Int64) -> [Cap] {
        guard let finding else { return [] }
        return [
            Cap(
                rule: finding.rule, valueCents: finding.capCents ?? budgetCents, source: finding.source,
                inputs: finding.inputs)
        ]
    }
}

extension CofundingRuleSet {
    /// The call's rate of a budget and its ceiling, in this order.
    func caps(of purpose: FundedPurpose, budgetCents: Int64) throws(CofundingRulesError) -> [Cap] {
        switch purpose {
        case .animation(let structureType):
            guard let ceilingCents = animationCeilingCents[structureType] else {
                throw .noCeiling(structureType: structureType)
            }
            return [
                Cap(rule: .animationRate, valueCents: animationRate.roundedDown(of: budgetCents), source: source),
                Cap(rule: .animationCeiling, valueCents: ceilingCents, source: source),
            ]
        case .experiment:
            return [
                Cap(rule: .experimentRate, valueCents: experimentRate.roundedDown(of: budgetCents), source: source),
                Cap(rule: .experimentCeiling, valueCents: experimentCeilingCents, source: source),
            ]
        }
    }

    /// - Parameter steps: at least one of them a cap, in the order in which ties are decided: the first of equal values
    ///   binds.
    func lowest(of steps: [Cap], _ finding: StateAidFinding? = nil) -> CofundingResult {
        let caps = steps.filter(\.rule.isCap)
        var bound = caps[0]
        for cap in caps.dropFirst() where cap.valueCents < bound.valueCents { bound = cap }
        return CofundingResult(
            grantedCents: bound.valueCents,
            bindingRule: bound.rule,
            ruleSet: name,
            stateAidRules: finding?.rules,
            deMinimisRoom: finding?.room,
            derivation: steps.map {
                DerivationStep(
                    rule: $0.rule, valueCents: $0.valueCents, isBinding: $0.rule == bound.rule, source: $0.source,
                    inputs: $0.inputs)
            })
    }
}
