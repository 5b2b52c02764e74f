import Events
import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes

/// `POST /v1/invitations`
struct InvitationBody: Decodable {
    private static let nameBytesMax = 64

    let experiment: UUID
    let participant: String
    let instrument: String
    let occasion: String
    let language: String?
    let expiresAt: Date?

    func request() throws(Problem) -> InvitationRequest {
        for (field, text) in [("participant", participant), ("instrument", instrument), ("occasion", occasion)] {
            guard (1...Self.nameBytesMax).contains(text.utf8.count),
                text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
            else {
                throw .invalid("/\(field)", expected: "1 to \(Self.nameBytesMax) bytes without control characters")
            }
        }
        var chosen: PageLanguage?
        if let language {
            guard let known = PageLanguage(rawValue: language) else {
                throw .invalid("/language", expected: "fr, en, or nothing to follow the giver's browser")
            }
            chosen = known
        }
        return InvitationRequest(
            experiment: experiment, instrument: instrument, occasion: occasion, language: chosen, expiresAt: expiresAt)
    }

    var participantName: InvitationStore.ParticipantName {
        UUID(characters: participant).map { .id($0) } ?? .code(participant)
    }
}

/// An invitation as the site sees it, without its link.
struct InvitationView: Encodable, Sendable {
    let id: String
    let experiment: String
    let participant: String
    let instrument: String
    let occasion: String
    let language: String?
    let createdAt: Date
    let expiresAt: Date
    let state: String

    init(_ invitation: Invitation, now: Date) {
        id = invitation.id.lowercase
        experiment = invitation.experiment.lowercase
        participant = invitation.participant.lowercase
        instrument = invitation.instrument
        occasion = invitation.occasion
        language = invitation.language?.rawValue
        createdAt = invitation.createdAt
        expiresAt = invitation.expiresAt
        state = invitation.state(at: now).rawValue
    }
}

/// The one answer that has the link.
struct NewInvitationView: Encodable {
    let invitation: InvitationView
    /// A path; the site puts its own address before it.
    let path: String
}

extension InvitationRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .noPage:
            refused("no-page", "There is no page for this instrument", "instrument")
                .mending("Invite for an instrument whose words may be shown: SUS or NPS.")
        case .notInProtocol:
            refused("not-in-protocol", "The protocol does not plan this", "occasion")
                .mending("Name an instrument and a time of measure of the approved protocol.")
        case .windowOver:
            refused("window-over", "No answer is taken any more", "occasion")
                .mending("Choose a time of measure whose window has not closed.")
        case .consentMissing:
            refused("consent-missing", "The consent does not cover the protocol", "participant")
                .mending("Record a consent that names everything that the protocol asks for.")
        case .unknownParticipant:
            refused("unknown-participant", "Nobody is enrolled under this name", "participant")
                .mending("Enrol the participant first; name the internal id or the code that the site gave out.")
        case .expiryOutOfRange:
            .invalid("/expiresAt", expected: "a time to come, at most \(InvitationRequest.daysMax) days ahead")
        case .alreadyAnswered:
            .conflict("already-answered", "This participant has answered")
                .mending("The participant can correct the answer with the receipt code.")
        case .alreadyInvited:
            .conflict("already-invited", "A link for this is in force")
                .mending("Withdraw the invitation that is open, then invite again: its link cannot be read here.")
        }
    }

    private func refused(_ slug: String, _ title: String, _ field: String) -> Problem {
        Problem(.unprocessableContent, slug, title).at("/\(field)")
    }
}
