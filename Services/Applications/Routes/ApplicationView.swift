import ApplicationsDomain
import Events
import FoundationEssentials

/// An application as one person may see it.
struct ApplicationView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let call: String
    let title: String?
    let lead: ApplicationContent.Member?
    let partners: [ApplicationContent.Member]
    let animationBudgetCents: Int64?
    let requestedCents: Int64?
    let experiments: [ApplicationContent.PlannedExperiment]
    let contact: ApplicationContent.Contact?
    let submission: SubmissionView?
    let eligibility: EligibilityView?
    let recommendation: RecommendationView?
    let decision: DecisionView?
    let reviews: [ReviewView]?
    let grant: GrantView?
    let agreement: AgreementView?

    init(
        _ application: Application, _ sight: ApplicationSight, viewer: ApplicationViewer,
        grant: GrantView? = nil, agreement: AgreementView? = nil
    ) {
        let deposited = sight.showsWorkingCopy ? nil : application.deposit?.content
        let content = deposited ?? application.content
        id = application.id.lowercase
        version = application.version
        state = application.state.rawValue
        call = application.call.lowercase
        title = content.title
        lead = content.lead
        partners = content.partners
        animationBudgetCents = content.animationBudgetCents
        requestedCents = content.requestedCents
        experiments = content.experiments
        contact = sight.showsContact ? application.content.contact : nil
        submission = application.deposit.map {
            SubmissionView($0, hasUndepositedChanges: sight.showsWorkingCopy ? application.hasUndepositedChanges : nil)
        }
        eligibility = application.eligibility.map(EligibilityView.init)
        recommendation = sight.showsSelection ? application.recommendation.map(RecommendationView.init) : nil
        decision = application.decision.map { DecisionView($0, showsWho: sight.showsSelection) }
        reviews =
            sight.reviews == .none ? nil : application.visibleReviews(sight, viewer: viewer).map { ReviewView($0) }
        self.grant = grant
        self.agreement = agreement
    }
}

extension Application {
    /// The reviews that this person may see.
    func visibleReviews(_ sight: ApplicationSight, viewer: ApplicationViewer) -> [Review] {
        switch sight.reviews {
        case .none: []
        case .own: reviews.filter { $0.reviewer == viewer.subject }
        case .all: reviews
        }
    }
}

struct SubmissionView: Encodable, Sendable {
    let number: Int
    /// SHA-256 of the canonical content, in hexadecimal.
    let receipt: String
    let submittedAt: Date
    /// Whether the working copy has changed since; nil for those who do not see it.
    let hasUndepositedChanges: Bool?

    init(_ deposit: Deposit, hasUndepositedChanges: Bool?) {
        number = deposit.number
        receipt = deposit.receipt
        submittedAt = deposit.submittedAt
        self.hasUndepositedChanges = hasUndepositedChanges
    }
}

struct EligibilityView: Encodable, Sendable {
    let isEligible: Bool
    let reasons: [String]
    let decidedAt: Date

    init(_ eligibility: Eligibility) {
        isEligible = eligibility.isEligible
        reasons = eligibility.reasons.map(\.rawValue)
        decidedAt = eligibility.decidedAt
    }
}

struct RecommendationView: Encodable, Sendable {
    let recommendation: String
    let rank: Int?
    let reviewCount: Int
    let meanScoreHundredths: Int
    let recommendedBy: String
    let recommendedAt: Date

    init(_ recommendation: Recommendation) {
        self.recommendation = recommendation.outcome.rawValue
        rank = recommendation.rank
        reviewCount = recommendation.reviewCount
        meanScoreHundredths = recommendation.meanScoreHundredths
        recommendedBy = recommendation.recommendedBy
        recommendedAt = recommendation.recommendedAt
    }
}

struct DecisionView: Encodable, Sendable {
    let outcome: String
    let rank: Int?
    let reason: String?
    let decidedBy: String?
    let decidedAt: Date

    init(_ decision: Decision, showsWho: Bool) {
        outcome = decision.outcome.rawValue
        rank = decision.rank
        reason = decision.reason
        decidedBy = showsWho ? decision.decidedBy : nil
        decidedAt = decision.decidedAt
    }
}

/// Without the reviewer: who scored what is for the file, not for the page.
struct ReviewView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let scores: Scores?
    let comment: String?
    let givenAt: Date

    init(_ review: Review) {
        id = review.id.lowercase
        version = 1
        state = review.scores == nil ? "recused" : "given"
        scores = review.scores
        comment = review.comment
        givenAt = review.givenAt
    }
}

/// What funding told, and how fresh that is.
struct GrantView: Encodable, Sendable {
    let state: String
    /// Funding's id of it.
    let grant: String?
    let reservedCents: Int64?
    let reason: String?
    /// Time of the last event that is taken in; nil when none has come.
    let asOf: Date?

    init(_ standing: GrantStanding) {
        state = standing.state.rawValue
        grant = standing.grant?.lowercase
        reservedCents = standing.reservedCents
        reason = standing.reason
        asOf = standing.asOf
    }
}

struct AgreementView: Encodable, Sendable {
    let agreement: String
    let grantedCents: Int64
    let signedAt: Date

    init(_ agreement: SignedAgreement) {
        self.agreement = agreement.agreement.lowercase
        grantedCents = agreement.grantedCents
        signedAt = agreement.signedAt
    }
}

/// One line of a list.
struct ApplicationLineView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let call: String
    let title: String?
    let leadSiren: String?
    let requestedCents: Int64?
    let submittedAt: Date?

    init(_ line: ApplicationLine) {
        id = line.id.lowercase
        version = line.version
        state = line.state.rawValue
        call = line.call.lowercase
        title = line.title
        leadSiren = line.leadSiren
        requestedCents = line.requestedCents
        submittedAt = line.submittedAt
    }
}
