/// The rules that can bind an amount.
///
/// The order of the cases decides ties: where two rules allow the same amount, the published rule is named before the
/// applicant's own wish, and the rate before the ceiling.
package enum CofundingRule: String, Sendable, CaseIterable {
    case animationRate = "animation-rate"
    case experimentRate = "experiment-rate"
    case animationCeiling = "animation-ceiling"
    case experimentCeiling = "experiment-ceiling"
    case requestedAmount = "requested-amount"
}

/// What one rule allows, and whether it set the amount.
package struct DerivationStep: Sendable, Equatable {
    package let rule: CofundingRule
    package let valueCents: Int64
    /// True for exactly one step of a derivation.
    package let isBinding: Bool
    /// What the value follows from: the rule set's source, or the request.
    package let source: String

    package init(rule: CofundingRule, valueCents: Int64, isBinding: Bool, source: String) {
        self.rule = rule
        self.valueCents = valueCents
        self.isBinding = isBinding
        self.source = source
    }
}

/// An amount with all that led to it, so that whoever is granted less than asked can see by which rule.
package struct CofundingResult: Sendable, Equatable {
    /// The lowest of the steps' values; 0 is possible and grants nothing.
    package let grantedCents: Int64
    package let bindingRule: CofundingRule
    /// Name of the rule set.
    package let ruleSet: String
    /// In the order of the rules above.
    package let derivation: [DerivationStep]
}
