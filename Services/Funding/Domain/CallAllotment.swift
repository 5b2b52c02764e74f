package import CofundingRules

package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What the State decided about an application.
package enum DecidedOutcome: String, Sendable, CaseIterable {
    case funded
    case reserve
    case rejected
}

/// A decision with all that its grant follows from.
package struct Decision: Sendable, Equatable {
    package let application: UUID
    package let call: UUID
    package let outcome: DecidedOutcome
    /// From 1 within the call; nil when rejected.
    package let rank: Int?
    package let consortium: Consortium
    package let animationBudgetCents: Int64
    package let requestedCents: Int64
    package let decidedAt: Date

    package init(
        application: UUID, call: UUID, outcome: DecidedOutcome, rank: Int?, consortium: Consortium,
        animationBudgetCents: Int64, requestedCents: Int64, decidedAt: Date
    ) {
        self.application = application
        self.call = call
        self.outcome = outcome
        self.rank = rank
        self.consortium = consortium
        self.animationBudgetCents = animationBudgetCents
        self.requestedCents = requestedCents
        self.decidedAt = decidedAt
    }

    /// Why it can be no decision; nil when it can. Whoever sent such a one is at fault, and repeating it mends nothing.
    package var contradiction: String? {
        guard (outcome == .rejected) == (rank == nil) else {
            return "funded and reserve have a rank, rejected has none"
        }
        guard rank ?? 1 >= 1, rank ?? 1 <= Self.rankMax else { return "a rank is from 1 to \(Self.rankMax)" }
        guard animationBudgetCents >= 0, requestedCents >= 0 else { return "amounts are not negative" }
        return nil
    }

    private static let rankMax = 100_000
}

/// Shares a call's animation envelope out strictly by rank, whatever the order in which the decisions arrive.
///
/// A rank is served only when every rank before it is settled, and once the money does not suffice for a funded rank,
/// no lower rank overtakes it: it is refused too, although its smaller grant might still fit.
package struct CallAllotment: Sendable, Equatable {
    package let call: UUID
    /// The rank that is to be served next; all before it are settled.
    package private(set) var nextRank: Int
    package private(set) var isExhausted: Bool

    package init(call: UUID, nextRank: Int = 1, isExhausted: Bool = false) {
        self.call = call
        self.nextRank = nextRank
        self.isExhausted = isExhausted
    }

    /// What to do for the next rank: nil when its decision takes no money (reserve list). Afterwards call `settle`.
    ///
    /// The rules are those in force on the day of the decision: the legal right is conferred then, whenever the money
    /// moves.
    ///
    /// - Parameters:
    ///   - decision: of `nextRank`; nil when it has not arrived.
    ///   - envelope: the call's animation envelope, once opened.
    ///   - grant: identifier for the grant.
    ///   - aid: of the lead, where it has declared itself. The whole animation budget is its eligible cost.
    package func step(
        _ decision: Decision?, ruleSets: [CofundingRuleSet], envelope: UUID?, grant: UUID, aid: BeneficiaryAid? = nil
    ) -> GrantStep? {
        guard let decision, decision.rank == nextRank else { return .wait(.rank) }
        guard decision.outcome == .funded else { return nil }
        let subject = GrantSubject(
            grant: grant, purpose: .animation, call: call, application: decision.application, experiment: nil,
            consortium: decision.consortium, requestedCents: decision.requestedCents)
        if isExhausted { return .refuse(GrantRefusal(subject: subject, reason: GrantRefusal.exhausted)) }
        return .from(subject, envelope: envelope, aid: aid) { () throws(CofundingRulesError) in
            guard let rules = ruleSets.inForce(at: decision.decidedAt) else { return nil }
            let structureType = decision.consortium.lead.structureType
            guard let aid else {
                return try rules.animationGrant(
                    budgetCents: decision.animationBudgetCents, requestedCents: decision.requestedCents,
                    structureType: structureType)
            }
            let claim = AnimationClaim(
                budgetCents: decision.animationBudgetCents, eligibleCostCents: decision.animationBudgetCents,
                requestedCents: decision.requestedCents, structureType: structureType, basis: aid.basis)
            return try rules.animationGrant(claim, on: aid.day, stateAid: aid.rules)
        }
    }

    /// The next rank is served.
    /// - Parameter isExhausted: the envelope did not hold its grant any more.
    package mutating func settle(isExhausted: Bool) {
        nextRank += 1
        self.isExhausted = self.isExhausted || isExhausted
    }
}
