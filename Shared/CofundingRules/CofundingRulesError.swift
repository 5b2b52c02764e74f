/// Why a rule set is no rule set, or why no amount can be computed. `slug` is stable and may be shown and stored.
package enum CofundingRulesError: Error, Equatable, CustomStringConvertible {
    /// `field` is named as in `rule-set.published`.
    case invalidRuleSet(field: String, expected: String)
    /// A budget or a requested amount below zero.
    case negativeAmount(field: String)
    /// The rule set knows no ceiling for the lead's structure type: it cannot be granted anything.
    case noCeiling(structureType: String)

    package var slug: String {
        switch self {
        case .invalidRuleSet: "invalid-rule-set"
        case .negativeAmount: "negative-amount"
        case .noCeiling: "no-ceiling-for-structure-type"
        }
    }

    package var description: String {
        switch self {
        case .invalidRuleSet(let field, let expected): "\(field): \(expected) is expected"
        case .negativeAmount(let field): "\(field): an amount from 0 is expected"
        case .noCeiling(let structureType): "no ceiling is published for the structure type \(structureType)"
        }
    }
}
