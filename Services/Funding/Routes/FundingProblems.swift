import CofundingRules
import FundingDomain
import HTTPDefaults
import HTTPTypes

extension FundingError: ProblemConvertible {
    var problem: Problem {
        let base =
            switch category {
            case .invalid: Problem(.unprocessableContent, slug, title)
            case .conflict: Problem(.conflict, slug, title)
            case .forbidden: Problem(.forbidden, slug, title)
            }
        var problem = field.map { base.at($0) } ?? base
        if let advice { problem = problem.mending(advice) }
        return self == .callNotKnown ? problem.retrying(after: 2) : problem
    }
}

extension CofundingRulesError: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .invalidRuleSet(let field, let expected): .invalid("/\(field)", expected: expected)
        case .negativeAmount(let field): .invalid("/\(field)", expected: "an amount from 0")
        case .noCeiling: .conflict(slug, "The rules have no ceiling for this structure type")
        case .invalidStateAidRules(let field, let expected), .invalidInput(let field, let expected):
            .invalid("/\(field)", expected: expected)
        case .noStateAidRules:
            .conflict(slug, "No State-aid rules for this basis are in force on the day")
                .at("/grantDay").mending("Choose a later day, or publish State-aid rules: POST /v1/state-aid-rules.")
        case .emptyInput(let field): .invalid("/\(field)", expected: "at least one")
        }
    }
}

extension StoreRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .notFound(let noun): .notFound(noun)
        case .versionMismatch(let current): .versionMismatch(current: current)
        }
    }
}
