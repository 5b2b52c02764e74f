import ExperimentationDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes

extension ExperimentationError: ProblemConvertible {
    var problem: Problem {
        let explanation = explanation
        var problem = Problem(explanation.kind.status, explanation.slug, explanation.title, detail: detail)
            .mending(explanation.mend)
        if let field = explanation.field { problem = problem.at(field) }
        if self == .cofundingPending { problem = problem.retrying(after: 2) }
        return problem
    }

    private var detail: String? {
        switch self {
        case .invalidField(_, let expected): "expected \(expected)"
        case .consentTooOld(let limit): "a consent given since \(JSONFormat.text(limit)) is needed"
        default: nil
        }
    }
}

extension ExperimentationError.Kind {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .invalid: .unprocessableContent
        case .conflict: .conflict
        case .forbidden: .forbidden
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
