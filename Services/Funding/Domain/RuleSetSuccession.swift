package import CofundingRules

package import struct FoundationEssentials.Date

/// The published rule sets follow one another; none reaches back behind what was already published or decided.
package enum RuleSetSuccession {
    /// The first rule set may begin in the past, since the rules of a call are older than the platform that applies
    /// them. Every later one begins now or later, so that which rules applied at an instant never depends on who hears
    /// of them first.
    package static func check(
        _ new: CofundingRuleSet, after published: [CofundingRuleSet], at now: Date
    ) throws(FundingError) {
        guard !published.contains(where: { $0.name == new.name }) else { throw .ruleSetExists }
        guard let last = published.map(\.validFrom).max() else { return }
        guard new.validFrom > last, new.validFrom >= now else { throw .ruleSetBackdated }
    }

    /// The same for State-aid rules, by days.
    /// - Parameter today: in Europe/Paris.
    package static func check(
        _ new: StateAidRules, after published: [StateAidRules], on today: CalendarDay
    ) throws(FundingError) {
        try Checks.line(
            new.intensities.source, upTo: CofundingRuleSet.sourceLengthMax, field: "/intensities/source")
        for (index, regime) in new.deMinimis.enumerated() {
            try Checks.line(
                regime.source, upTo: CofundingRuleSet.sourceLengthMax, field: "/deMinimis/\(index)/source")
        }
        guard !published.contains(where: { $0.name == new.name }) else { throw .stateAidRulesExist }
        guard let last = published.map(\.validFrom).max() else { return }
        guard new.validFrom > last, new.validFrom >= today else { throw .stateAidRulesBackdated }
    }
}
