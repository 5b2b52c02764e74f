package import CofundingRules

package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A site's request that an experiment be paid in part from the call's experiments envelope.
package struct CofundingRequest: Sendable, Equatable {
    package let experiment: UUID
    package let agreement: UUID
    package let application: UUID
    package let call: UUID
    /// Of the site.
    package let siren: String
    package let budgetCents: Int64
    package let requestedCents: Int64
    package let requestedAt: Date

    package init(
        experiment: UUID, agreement: UUID, application: UUID, call: UUID, siren: String, budgetCents: Int64,
        requestedCents: Int64, requestedAt: Date
    ) {
        self.experiment = experiment
        self.agreement = agreement
        self.application = application
        self.call = call
        self.siren = siren
        self.budgetCents = budgetCents
        self.requestedCents = requestedCents
        self.requestedAt = requestedAt
    }

    /// What to do with the request. Experiments have no rank: the envelope serves them as they come.
    ///
    /// - Parameters:
    ///   - agreement: the signed agreement that the request names.
    ///   - envelope: the call's experiments envelope, once opened.
    ///   - grant: identifier for the grant.
    ///   - aid: of the lead, where it has declared itself. The whole budget is its eligible cost.
    package func step(
        under agreement: Agreement, ruleSets: [CofundingRuleSet], envelope: UUID?, grant: UUID,
        aid: BeneficiaryAid? = nil
    ) -> GrantStep {
        let subject = GrantSubject(
            grant: grant, purpose: .experiments, call: agreement.call, application: agreement.application,
            experiment: experiment, consortium: agreement.consortium, requestedCents: requestedCents)
        guard call == agreement.call, application == agreement.application, siren == agreement.consortium.lead.siren
        else { return .refuse(GrantRefusal(subject: subject, reason: GrantRefusal.notTheBeneficiary)) }
        guard agreement.state != .terminated else {
            return .refuse(GrantRefusal(subject: subject, reason: GrantRefusal.agreementTerminated))
        }
        return .from(subject, envelope: envelope, aid: aid) { () throws(CofundingRulesError) in
            guard let rules = ruleSets.inForce(at: requestedAt) else { return nil }
            guard let aid else {
                return try rules.experimentGrant(budgetCents: budgetCents, requestedCents: requestedCents)
            }
            let claim = ExperimentClaim(
                budgetCents: budgetCents, eligibleCostCents: budgetCents, requestedCents: requestedCents,
                basis: aid.basis)
            return try rules.experimentGrant(claim, on: aid.day, stateAid: aid.rules)
        }
    }
}
