import ApplicationsDomain
import Events
import FoundationEssentials
import Outbox

/// How what happened to an application is told to the other services.
extension Application {
    /// nil for what stays in this service.
    func event(of fact: ApplicationFact, context: CommandContext) -> NewEvent? {
        switch fact {
        case .revised, .reviewed, .contracted: nil
        case .deposited(let deposit): context.event(submitted(deposit), about: id)
        case .eligibilityDecided(let eligibility):
            context.event(
                ApplicationEligibilityDecided(
                    application: id, call: call, isEligible: eligibility.isEligible,
                    reasons: eligibility.reasons.map(\.rawValue)), about: id)
        case .recommended(let recommendation):
            context.event(
                ApplicationRecommended(
                    application: id, call: call, recommendation: SelectionOutcome(recommendation.outcome),
                    rank: recommendation.rank, reviewCount: recommendation.reviewCount,
                    meanScoreHundredths: recommendation.meanScoreHundredths), about: id)
        case .decided(let decision): context.event(decided(decision), about: id)
        }
    }

    private func submitted(_ deposit: Deposit) -> ApplicationSubmitted {
        let content = deposit.content
        return ApplicationSubmitted(
            application: id, call: call, lead: ConsortiumMember(content.lead),
            partners: content.partners.map { ConsortiumMember($0) },
            animationBudgetCents: content.animationBudgetCents ?? 0, requestedCents: content.requestedCents ?? 0,
            receipt: deposit.receipt, submittedAt: deposit.submittedAt)
    }

    private func decided(_ decision: Decision) -> ApplicationDecided {
        let content = deposit?.content ?? content
        return ApplicationDecided(
            application: id, call: call, outcome: SelectionOutcome(decision.outcome), rank: decision.rank,
            lead: ConsortiumMember(content.lead), partners: content.partners.map { ConsortiumMember($0) },
            animationBudgetCents: content.animationBudgetCents ?? 0, requestedCents: content.requestedCents ?? 0,
            decidedAt: decision.decidedAt)
    }
}

extension ConsortiumMember {
    /// A deposit is complete, so nothing is missing here.
    fileprivate init(_ member: ApplicationContent.Member?) {
        self.init(
            siren: member?.siren ?? "", structureType: member?.structureType?.rawValue ?? "",
            sector: member?.sector?.rawValue)
    }
}

extension SelectionOutcome {
    fileprivate init(_ outcome: Outcome) {
        self =
            switch outcome {
            case .funded: .funded
            case .reserve: .reserve
            case .rejected: .rejected
            }
    }
}
