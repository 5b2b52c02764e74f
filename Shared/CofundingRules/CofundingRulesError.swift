/// Why rules are no rules, or why no amount can be computed. `slug` is stable and may be shown and stored.
package enum CofundingRulesError: Error, Equatable, CustomStringConvertible {
    /// `field` is named as in `rule-set.published`.
    case invalidRuleSet(field: String, expected: String)
    /// A budget or a requested amount below zero.
    case negativeAmount(field: String)
    /// The rule set knows no ceiling for the lead's structure type: it cannot be granted anything.
    case noCeiling(structureType: String)
    /// `field` is a path of `StateAidRules`, such as `intensities/ceilingBasisPoints`.
    case invalidStateAidRules(field: String, expected: String)
    /// No State-aid rules that the beneficiary's basis rests on are in force on the day: nothing can be granted on it.
    case noStateAidRules(basis: String, day: CalendarDay)
    /// An input that is no amount and cannot be read, such as a SIREN of eight digits.
    case invalidInput(field: String, expected: String)
    /// A list that needs at least one entry, such as a consortium's partners.
    case emptyInput(field: String)

    package var slug: String {
        switch self {
        case .invalidRuleSet: "invalid-rule-set"
        case .negativeAmount: "negative-amount"
        case .noCeiling: "no-ceiling-for-structure-type"
        case .invalidStateAidRules: "invalid-state-aid-rules"
        case .noStateAidRules: "no-state-aid-rules"
        case .invalidInput: "invalid-input"
        case .emptyInput: "empty-input"
        }
    }

    package var description: String {
        switch self {
        case .invalidRuleSet(let field, let expected), .invalidStateAidRules(let field, let expected),
            .invalidInput(let field, let expected):
            "\(field): \(expected) is expected"
        case .negativeAmount(let field): "\(field): an amount from 0 is expected"
        case .noCeiling(let structureType): "no ceiling is published for the structure type \(structureType)"
        case .noStateAidRules(let basis, let day): "no State-aid rules for \(basis) are in force on \(day)"
        case .emptyInput(let field): "\(field): at least one is expected"
        }
    }
}
