/// What is asked for the animation of a third place. All amounts from 0.
package struct AnimationClaim: Sendable, Equatable {
    /// Forecast budget of the animation.
    package var budgetCents: Int64
    /// The part of the budget that the State-aid rules admit.
    package var eligibleCostCents: Int64
    package var requestedCents: Int64
    /// Of the consortium's lead, as the rule set names it.
    package var structureType: String
    /// nil where nothing is known of it: then only the call's own caps apply, and the derivation is silent on State
    /// aid.
    package var basis: AidBasis?

    package init(
        budgetCents: Int64, eligibleCostCents: Int64, requestedCents: Int64, structureType: String, basis: AidBasis?
    ) {
        self.budgetCents = budgetCents
        self.eligibleCostCents = eligibleCostCents
        self.requestedCents = requestedCents
        self.structureType = structureType
        self.basis = basis
    }
}

/// What is asked for an experiment. All amounts from 0.
package struct ExperimentClaim: Sendable, Equatable {
    /// Overall budget of the experiment.
    package var budgetCents: Int64
    /// The part of the budget that the State-aid rules admit.
    package var eligibleCostCents: Int64
    package var requestedCents: Int64
    package var basis: AidBasis

    package init(budgetCents: Int64, eligibleCostCents: Int64, requestedCents: Int64, basis: AidBasis) {
        self.budgetCents = budgetCents
        self.eligibleCostCents = eligibleCostCents
        self.requestedCents = requestedCents
        self.basis = basis
    }
}

/// What is funded, which decides the call's rate and ceiling.
package enum FundedPurpose: Sendable, Equatable {
    /// The structure type of the consortium's lead, as the rule set names it.
    case animation(structureType: String)
    case experiment
}
