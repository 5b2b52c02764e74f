/// Why an evaluation was not published. `explanation` carries what a caller needs: a stable slug, the field, and what
/// would mend it.
package enum EvaluationError: Error, Equatable, Sendable {
    case invalidField(String, expected: String)
    case experimentNotEnded

    package struct Explanation: Equatable, Sendable {
        /// Whether the command is right, but not now; else it is wrong in itself.
        package let isConflict: Bool
        package let slug: String
        package let title: String
        /// JSON pointer into the body; nil when no field is at fault.
        package let field: String?
        package let mend: String
    }

    package var explanation: Explanation {
        switch self {
        case .invalidField(let field, let expected):
            Explanation(
                isConflict: false, slug: "invalid-field", title: "A field does not hold what is expected", field: field,
                mend: "Send \(expected).")
        case .experimentNotEnded:
            Explanation(
                isConflict: true, slug: "experiment-not-ended", title: "The experiment has not ended", field: nil,
                mend: "Publish its evaluation once it is completed or terminated.")
        }
    }
}
