/// The rules that can bind an amount.
///
/// The order of the cases decides ties: where two rules allow the same amount, the published rule is named before the
/// applicant's own wish, the rate before the ceiling, and the call's rules before those on State aid. A partner's share
/// of a total comes last: it is named only where it takes something from the partner.
package enum CofundingRule: String, Sendable, CaseIterable {
    case animationRate = "animation-rate"
    case experimentRate = "experiment-rate"
    case animationCeiling = "animation-ceiling"
    case experimentCeiling = "experiment-ceiling"
    /// The beneficiary carries on no economic activity: what it gets is not State aid, and this rule sets no cap.
    case nonEconomic = "non-economic"
    /// The highest share of eligible cost under the block exemption.
    case gberIntensity = "gber-intensity"
    /// What the beneficiary's single undertaking may still get as de minimis aid.
    case deMinimisRoom = "de-minimis-room"
    /// Of a consortium: no partner is granted more than its own budget.
    case partnerBudget = "partner-budget"
    /// Of a consortium: the sum of what its partners may be granted by themselves.
    case partnerSum = "partner-sum"
    case requestedAmount = "requested-amount"
    /// Of a consortium: a partner's share of a project's total that is lower than the sum of the partners.
    case projectShare = "project-share"

    /// False for a rule that is named in a derivation and allows any amount.
    package var isCap: Bool { self != .nonEconomic }
}

/// What one rule allows, and whether it set the amount.
package struct DerivationStep: Sendable, Equatable {
    package let rule: CofundingRule
    /// Of a rule that sets no cap, the whole budget: it is never lower than the amount granted.
    package let valueCents: Int64
    /// True for exactly one step of a derivation.
    package let isBinding: Bool
    /// What the value follows from: the rule set's source, that of the State-aid rules, or the request.
    package let source: String
    /// What the value was computed from, for people to read; empty where the value is a rule's own.
    package let inputs: [String]

    package init(
        rule: CofundingRule, valueCents: Int64, isBinding: Bool, source: String, inputs: [String] = []
    ) {
        self.rule = rule
        self.valueCents = valueCents
        self.isBinding = isBinding
        self.source = source
        self.inputs = inputs
    }
}

/// An amount with all that led to it, so that whoever is granted less than asked can see by which rule.
package struct CofundingResult: Sendable, Equatable {
    /// The lowest of the caps' values; 0 is possible and grants nothing.
    package let grantedCents: Int64
    package let bindingRule: CofundingRule
    /// Name of the rule set.
    package let ruleSet: String
    /// Name of the State-aid rules; nil where none was needed.
    package let stateAidRules: String?
    /// The declared de minimis aid inside and outside the window; nil on another basis.
    package let deMinimisRoom: DeMinimisRoom?
    /// In the order of the rules above.
    package let derivation: [DerivationStep]
}
