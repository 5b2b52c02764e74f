package import struct FoundationEssentials.Date

/// Why a command was refused. `explanation` carries what a caller needs: a stable slug, the field, and what would
/// mend it.
package enum ApplicationsError: Error, Equatable, Sendable {
    case invalidField(String, expected: String)
    case incomplete([Finding])
    case callNotOpen(opensAt: Date)
    case callClosed(graceUntil: Date)
    case callStillOpen(graceUntil: Date)
    case alreadySubmitted
    case wrongState(ApplicationState, needed: [ApplicationState])
    case ruleSetNotKnown
    case organisationRequired
    case conflictOfInterest(field: String?)
    case scoresWithConflict
    case scoresRequired
    case alreadyReviewed
    case tooFewReviews(count: Int)
    case rankRequired
    case rankNotAllowed
    case rankTaken(Int)
    case rankGap(next: Int)
    case fundedAfterReserve(Int)
    case separationOfDuties
    case reasonRequired

    package enum Kind: Sendable {
        /// The command is wrong in itself.
        case invalid
        /// The command is right, but not now.
        case conflict
        /// The command is right, but not from this person.
        case forbidden
    }

    package struct Explanation: Equatable, Sendable {
        package let kind: Kind
        package let slug: String
        package let title: String
        /// JSON pointer into the body; nil when no field is at fault.
        package let field: String?
        package let mend: String
    }
}

extension ApplicationsError {
    package var explanation: Explanation {
        switch self {
        case .invalidField(let field, let expected):
            .init(.invalid, "invalid-field", "A field does not hold what is expected", field, "Send \(expected).")
        case .incomplete(let findings):
            .init(
                .invalid, "incomplete", "The application is not complete", findings.first { $0.isError }?.field,
                "Correct every finding of severity error, then submit again.")
        case .callNotOpen, .callClosed, .callStillOpen, .alreadySubmitted, .wrongState, .ruleSetNotKnown:
            timing
        case .organisationRequired, .conflictOfInterest, .scoresWithConflict, .scoresRequired, .alreadyReviewed,
            .tooFewReviews:
            reviewing
        case .rankRequired, .rankNotAllowed, .rankTaken, .rankGap, .fundedAfterReserve, .separationOfDuties,
            .reasonRequired:
            deciding
        }
    }

    private var timing: Explanation {
        switch self {
        case .callNotOpen:
            .init(.conflict, "call-not-open", "The call is not open yet", nil, "Submit after the call's opensAt.")
        case .callClosed:
            .init(
                .conflict, "call-closed", "The call is closed", nil,
                "Nothing can be deposited after the call's graceUntil; the last deposit counts.")
        case .callStillOpen:
            .init(
                .conflict, "call-still-open", "The call still takes deposits", nil,
                "Decide after the call's graceUntil: until then the applicant may replace the deposit.")
        case .alreadySubmitted:
            .init(
                .conflict, "already-submitted", "This content is already deposited", nil,
                "Change the content first, or keep the receipt that you have.")
        case .wrongState(let state, let needed):
            .init(
                .conflict, "wrong-state", "The application is \(state.rawValue)", nil,
                "This needs the state \(needed.map(\.rawValue).joined(separator: " or ")).")
        default:
            .init(
                .conflict, "rule-set-not-known", "No co-funding rules are known yet", nil,
                "Retry when the operator's rule set has arrived.")
        }
    }

    private var reviewing: Explanation {
        switch self {
        case .organisationRequired:
            .init(
                .forbidden, "organisation-required", "The token names no organisation", nil,
                "Sign in with an account that belongs to an organisation (SIREN).")
        case .conflictOfInterest(let field):
            .init(
                .forbidden, "conflict-of-interest", "There is a tie to a member of the consortium", field,
                "Somebody without any tie to the lead or a partner has to do this.")
        case .scoresWithConflict:
            .init(
                .invalid, "scores-with-conflict", "Who declares a conflict does not score", "/scores",
                "Leave out scores and comment, or declare no conflict.")
        case .scoresRequired:
            .init(.invalid, "scores-required", "A review needs scores", "/scores", "Send the four scores, 0 to 100.")
        case .alreadyReviewed:
            .init(
                .conflict, "already-reviewed", "This person has already reviewed the application", nil,
                "A review stands as it was given.")
        default:
            .init(
                .conflict, "too-few-reviews", "The application has fewer than two reviews", nil,
                "Recommend when \(Application.reviewCountMin) reviews are given.")
        }
    }

    private var deciding: Explanation {
        switch self {
        case .rankRequired:
            .init(.invalid, "rank-required", "Funded and reserve need a rank", "/rank", "Send a rank from 1.")
        case .rankNotAllowed:
            .init(.invalid, "rank-not-allowed", "A rejected application has no rank", "/rank", "Leave out the rank.")
        case .rankTaken(let rank):
            .init(
                .conflict, "rank-taken", "Rank \(rank) of the call is taken", "/rank", "Choose another rank.")
        case .rankGap(let next):
            .init(
                .conflict, "rank-gap", "Ranks are given without gaps", "/rank", "The next rank of the call is \(next).")
        case .fundedAfterReserve(let rank):
            .init(
                .conflict, "funded-after-reserve", "Rank \(rank) of the call is on the reserve list", "/outcome",
                "Funded applications come before the reserve list.")
        case .separationOfDuties:
            .init(
                .forbidden, "separation-of-duties", "Who recommended may not decide", nil,
                "Another decision-maker has to decide.")
        default:
            .init(
                .invalid, "reason-required", "The outcome departs from the recommendation", "/reason",
                "Say why, in 1 to \(ContentLimits.reasonLengthMax) characters.")
        }
    }
}

extension ApplicationsError.Explanation {
    fileprivate init(
        _ kind: ApplicationsError.Kind, _ slug: String, _ title: String, _ field: String?, _ mend: String
    ) {
        self.init(kind: kind, slug: slug, title: title, field: field, mend: mend)
    }
}
