package import CofundingRules

package import struct FoundationEssentials.Date

/// What the rules in force would grant for the animation of the third place, as far as it can be said now.
package enum GrantEstimate: Sendable, Equatable {
    case ruleSetUnknown
    /// The lead's structure type, the budget or the request is missing.
    case contentMissing
    /// The rule set knows no ceiling for the lead's structure type.
    case noCeiling(ruleSet: String)
    case computed(CofundingResult)

    package init(_ content: ApplicationContent, ruleSets: [CofundingRuleSet], at now: Date) {
        guard let ruleSet = ruleSets.inForce(at: now) else {
            self = .ruleSetUnknown
            return
        }
        guard let structureType = content.lead?.structureType, let budgetCents = content.animationBudgetCents,
            let requestedCents = content.requestedCents
        else {
            self = .contentMissing
            return
        }
        do {
            self = .computed(
                try ruleSet.animationGrant(
                    budgetCents: budgetCents, requestedCents: requestedCents, structureType: structureType.rawValue))
        } catch .noCeiling {
            self = .noCeiling(ruleSet: ruleSet.name)
        } catch {
            // A negative amount, which `ContentLimits` keeps out of every stored content.
            self = .contentMissing
        }
    }

    package var result: CofundingResult? {
        if case .computed(let result) = self { result } else { nil }
    }

    /// The most that may be asked for: the lowest value of the rules, the request itself left aside.
    package var capCents: Int64? {
        result?.derivation.filter { $0.rule != .requestedAmount }.map(\.valueCents).min()
    }
}
