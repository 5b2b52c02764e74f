package import CofundingRules

/// What somebody might be granted, asked without any effect.
package struct CofundingQuestion: Sendable, Equatable {
    package struct Beneficiary: Sendable, Equatable {
        package let budgetCents: Int64
        package let eligibleCostCents: Int64
        package let requestedCents: Int64
        /// nil where nothing is known of it: then only the call's own caps apply.
        package let basis: AidBasis?
        /// The same for all members of one single undertaking.
        package let undertaking: String

        package init(
            budgetCents: Int64, eligibleCostCents: Int64, requestedCents: Int64, basis: AidBasis?, undertaking: String
        ) {
            self.budgetCents = budgetCents
            self.eligibleCostCents = eligibleCostCents
            self.requestedCents = requestedCents
            self.basis = basis
            self.undertaking = undertaking
        }

        /// - Parameter place: JSON pointer of the beneficiary; empty for the whole body.
        package func check(at place: String) throws(FundingError) {
            for (field, cents) in [
                ("budgetCents", budgetCents), ("eligibleCostCents", eligibleCostCents),
                ("requestedCents", requestedCents),
            ] where cents < 0 || cents > Checks.centsMax {
                throw .invalid(
                    field: "\(place)/\(field)", expected: "a whole number of cents from 0 to \(Checks.centsMax)")
            }
            guard eligibleCostCents <= budgetCents else {
                throw .invalid(field: "\(place)/eligibleCostCents", expected: "at most the budget, \(budgetCents)")
            }
        }
    }

    package struct Answer: Sendable, Equatable {
        package let result: CofundingResult
        /// In the order of the partners; nil for one beneficiary.
        package let partners: [CofundingResult]?
    }

    package static let partnerCountMax = 100

    package let purpose: FundedPurpose
    package let day: CalendarDay

    package init(purpose: FundedPurpose, day: CalendarDay) {
        self.purpose = purpose
        self.day = day
    }

    package func answer(
        for beneficiary: Beneficiary, _ rules: CofundingRuleSet, stateAid: StateAidRules?
    ) throws(CofundingRulesError) -> Answer {
        Answer(result: try result(for: beneficiary, rules, stateAid: stateAid), partners: nil)
    }

    /// - Parameter partners: each with a basis; one without is taken to have no economic activity.
    package func answer(
        for partners: [Beneficiary], _ rules: CofundingRuleSet, stateAid: StateAidRules?
    ) throws(CofundingRulesError) -> Answer {
        let consortium = try rules.consortiumGrant(
            partners.map {
                ConsortiumPartner(
                    budgetCents: $0.budgetCents, eligibleCostCents: $0.eligibleCostCents,
                    requestedCents: $0.requestedCents, basis: $0.basis ?? .nonEconomic,
                    undertakingGroup: $0.undertaking)
            }, for: purpose, on: day, stateAid: stateAid)
        return Answer(result: consortium.project, partners: consortium.partners)
    }

    private func result(
        for asked: Beneficiary, _ rules: CofundingRuleSet, stateAid: StateAidRules?
    ) throws(CofundingRulesError) -> CofundingResult {
        switch purpose {
        case .animation(let structureType):
            return try rules.animationGrant(
                AnimationClaim(
                    budgetCents: asked.budgetCents, eligibleCostCents: asked.eligibleCostCents,
                    requestedCents: asked.requestedCents, structureType: structureType, basis: asked.basis),
                on: day, stateAid: stateAid)
        case .experiment:
            guard let basis = asked.basis else {
                return try rules.experimentGrant(
                    budgetCents: asked.budgetCents, requestedCents: asked.requestedCents)
            }
            return try rules.experimentGrant(
                ExperimentClaim(
                    budgetCents: asked.budgetCents, eligibleCostCents: asked.eligibleCostCents,
                    requestedCents: asked.requestedCents, basis: basis),
                on: day, stateAid: stateAid)
        }
    }
}
