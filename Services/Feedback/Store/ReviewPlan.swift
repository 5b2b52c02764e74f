import Events
import FeedbackDomain
import FoundationEssentials

/// What the review of some responses comes to.
struct ReviewPlan: Sendable {
    private(set) var responses: [PlannedResponse] = []
    private(set) var identities: [IdentityRow] = []
    private(set) var receipts: [(publisher: String, receipt: FeedbackSubmission.Receipt)] = []

    init(_ stored: [StoredResponse], facts: [UUID: ExperimentFacts], instruments: InstrumentCatalogue) {
        for response in stored {
            let judge = IntakeJudge(
                experiments: facts, participants: [response.participant: response.participantFacts],
                instruments: instruments)
            let review = ResponseReview(of: response.facts.response, response.contributions, by: judge)
            for change in review.changes { tell(change, of: response.facts.response) }
            if let next = Self.next(response, review) { responses.append(next) }
        }
        identities = IdentityRow.inOrder(identities)
    }

    private mutating func tell(_ change: ResponseReview.Change, of response: UUID) {
        let contribution = change.contribution
        let identity = contribution.submission.identity
        identities.append(
            IdentityRow(
                identity: identity, key: identity.key, outcome: change.refusal == nil ? .accepted : .excluded,
                refusal: change.refusal, response: response, version: contribution.version))
        receipts.append(
            (
                identity.publisher,
                FeedbackSubmission.Receipt(
                    source: identity.source, id: identity.id, outcome: change.refusal == nil ? .accepted : .excluded,
                    reason: change.refusal?.reason.rawValue, field: change.refusal?.field, mend: change.refusal?.mend)
            ))
    }

    /// The next version of a response; nil when what is in force is what ought to be.
    private static func next(_ stored: StoredResponse, _ review: ResponseReview) -> PlannedResponse? {
        let facts = stored.facts
        let standing = review.inForce?.accepted.standing ?? .excluded
        let isSame: Bool
        if let (contribution, accepted) = review.inForce {
            isSame =
                facts.standing == standing && contribution.submission.answeredAt == facts.answeredAt
                && accepted.instrumentVersion == facts.instrumentVersion
                && contribution.submission.identity.publisher == facts.publisher
        } else {
            isSame = facts.standing == .excluded
        }
        guard !isSame, let last = review.inForce?.contribution ?? stored.contributions.last else { return nil }
        let accepted = AcceptedResponse(
            response: facts.response, version: facts.version + 1, standing: standing,
            countChange: (standing == .valid ? 1 : 0) - (facts.standing == .valid ? 1 : 0),
            participant: stored.key.participant,
            instrumentVersion: review.inForce?.accepted.instrumentVersion ?? facts.instrumentVersion,
            scores: review.inForce?.accepted.scores ?? InstrumentScores())
        return PlannedResponse(
            last.submission, accepted, origin: .fact(reason: review.refusal?.reason.rawValue ?? ""))
    }
}
