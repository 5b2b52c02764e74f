package import struct FoundationEssentials.Date

/// Why a command was refused. `explanation` carries what a caller needs: a stable slug, the field, and what would
/// mend it.
package enum ExperimentationError: Error, Equatable, Sendable {
    case invalidField(String, expected: String)
    case siteAlreadyOpen
    case siteNotOpen
    case wrongState(ExperimentState, needed: [ExperimentState])
    case cofundingPending
    case cofundingRefused(reason: String)
    case cofundingSettled(Cofunding.State)
    case protocolMissing
    case protocolVersionTaken(next: Int)
    case evidenceRequired(LegalQualification)
    case separationOfDuties
    case windowRepeated(index: Int)
    case instrumentVersionsMixed(index: Int)
    case milestoneRepeated(index: Int)
    case consentScopeTooNarrow(needed: String)
    case consentInFuture
    case consentTooOld(limit: Date)
    case nationalIdentifier(field: String)
    case alreadyEnrolled
    case reportInWrongState(SiteReportState, needed: [SiteReportState])
    case ownReport

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

extension ExperimentationError {
    package var explanation: Explanation {
        switch self {
        case .invalidField(let field, let expected):
            .init(.invalid, "invalid-field", "A field does not hold what is expected", field, "Send \(expected).")
        case .siteAlreadyOpen, .siteNotOpen, .wrongState, .cofundingPending, .cofundingRefused, .cofundingSettled,
            .protocolMissing:
            running
        case .protocolVersionTaken, .evidenceRequired, .separationOfDuties, .windowRepeated,
            .instrumentVersionsMixed, .milestoneRepeated:
            approving
        case .consentScopeTooNarrow, .consentInFuture, .consentTooOld, .nationalIdentifier, .alreadyEnrolled:
            enrolling
        case .reportInWrongState(let state, let needed):
            .init(
                .conflict, "wrong-state", "The report is \(state.rawValue)", nil,
                "This needs the state \(needed.map(\.rawValue).joined(separator: " or ")).")
        case .ownReport:
            .init(
                .forbidden, "separation-of-duties", "Who submitted a report may not accept it", nil,
                "Another person has to accept it.")
        }
    }

    private var running: Explanation {
        switch self {
        case .siteAlreadyOpen:
            .init(.conflict, "site-already-open", "The site is open already", nil, "Nothing is left to do.")
        case .siteNotOpen:
            .init(.conflict, "site-not-open", "The site is not open yet", nil, "Open the site first.")
        case .wrongState(let state, let needed):
            .init(
                .conflict, "wrong-state", "The experiment is \(state.rawValue)", nil,
                "This needs the state \(needed.map(\.rawValue).joined(separator: " or ")).")
        case .cofundingPending:
            .init(
                .conflict, "cofunding-pending", "The co-funding is not decided yet", nil,
                "Retry when funding has approved it.")
        case .cofundingRefused(let reason):
            .init(
                .conflict, "cofunding-refused", "The co-funding was refused: \(reason)", nil,
                "Register the experiment anew, with less or no co-funding.")
        case .cofundingSettled(let state):
            .init(
                .conflict, "cofunding-settled", "The co-funding is \(state.rawValue)", nil,
                "It is asked for once, with the registration.")
        default:
            .init(
                .conflict, "protocol-missing", "No protocol is approved", nil,
                "The ethics side has to approve a protocol first.")
        }
    }

    private var approving: Explanation {
        switch self {
        case .protocolVersionTaken(let next):
            .init(
                .conflict, "protocol-version-taken", "Protocol versions are counted from 1 without gaps",
                "/protocolVersion", "The next version is \(next).")
        case .evidenceRequired(let qualification):
            .init(
                .invalid, "evidence-required", "\(qualification.rawValue) needs an opinion or declaration",
                "/evidenceReference", "Send the reference of the CPP opinion or of the declaration of conformity.")
        case .separationOfDuties:
            .init(
                .forbidden, "separation-of-duties", "Who registered an experiment may not approve its protocol", nil,
                "Another person has to approve it.")
        case .windowRepeated(let index):
            .init(
                .invalid, "window-repeated", "This instrument has a window of this occasion already",
                "/windows/\(index)/occasion", "Name every occasion of an instrument once.")
        case .instrumentVersionsMixed(let index):
            .init(
                .invalid, "instrument-versions-mixed", "One protocol measures with one version of an instrument",
                "/windows/\(index)/instrumentVersion", "Use the same version in every window of the instrument.")
        default:
            .init(
                .invalid, "milestone-repeated", "This milestone stands there already", milestoneField,
                "Name every milestone once, and count another number of responses for each.")
        }
    }

    private var milestoneField: String? {
        if case .milestoneRepeated(let index) = self { "/milestones/\(index)" } else { nil }
    }

    private var enrolling: Explanation {
        switch self {
        case .consentScopeTooNarrow(let needed):
            .init(
                .invalid, "consent-scope", "The consent does not cover the protocol", "/consent/scope",
                "A consent to \(needed) is needed.")
        case .consentInFuture:
            .init(
                .invalid, "consent-in-future", "The consent lies in the future", "/consent/givenAt",
                "Send the instant at which the consent was given.")
        case .consentTooOld:
            .init(
                .invalid, "consent-too-old", "The consent is older than it may be", "/consent/givenAt",
                "Ask for a new consent.")
        case .nationalIdentifier(let field):
            .init(
                .invalid, "national-identifier", "This looks like a national health or social security number", field,
                "Send a code that the site has made up; national identifiers are refused.")
        default:
            .init(
                .conflict, "already-enrolled", "This code is enrolled in the experiment already", "/externalCode",
                "Use the pseudonym that was given out, or another code.")
        }
    }
}

extension ExperimentationError.Explanation {
    fileprivate init(
        _ kind: ExperimentationError.Kind, _ slug: String, _ title: String, _ field: String?, _ mend: String
    ) {
        self.init(kind: kind, slug: slug, title: title, field: field, mend: mend)
    }
}
