import Events
import FeedbackDomain
import FoundationEssentials

/// What somebody entered as an event of the publisher `pages`.
struct GiverMessage: Encodable {
    private struct Content: Encodable {
        let experiment: String
        let participant: String
        let instrument: String
        let occasion: String
        var answers: [Int?]?
        var comment: String?
        var amends: String?
        var retracts: String?
    }

    let id: String
    private let specversion = "1.0"
    private let source = PagesPublisher.source
    private let type: String
    private let time: String
    private let datacontenttype = "application/json"
    private let data: Content

    init(
        _ submission: GiverSubmission, number: Int, at time: Date, pseudonym: String,
        target: GiverSubmissionStore.Target
    ) {
        let invitation = target.invitation
        let original = target.original.map { Self.id(invitation.id, $0) }
        var content = Content(
            experiment: invitation.experiment.lowercase, participant: pseudonym, instrument: invitation.instrument,
            occasion: invitation.occasion)
        switch submission.kind {
        case .answer: type = FeedbackSubmission.submitted
        case .correction:
            type = FeedbackSubmission.amended
            content.amends = original
        case .withdrawal:
            type = FeedbackSubmission.retracted
            content.retracts = original
        }
        if submission.kind != .withdrawal {
            content.answers = submission.answers
            content.comment = submission.comment
        }
        id = Self.id(invitation.id, number)
        self.time = WireInstant.format(time)
        data = content
    }

    static func id(_ invitation: UUID, _ number: Int) -> String { "\(invitation.lowercase).\(number)" }

    func encoded() throws -> [UInt8] { try WireCoding.encode(self) }
}
