import Events
import Inbox
import ReportingDomain

/// Calls and applications.
enum ApplicationsConsumer {
    static let handlers: [EventHandler] = [
        FactConsumer.handler(CallPublished.self, .callPublished, key: { $0.call.figureText }) { call, fact in
            fact.call = call.call
            fact.ordinal = call.wave
            fact.target = call.placesTarget
            fact.word = call.title
        },
        FactConsumer.handler(
            ApplicationSubmitted.self, .applicationSubmitted, key: { $0.application.figureText }
        ) { submitted, fact in
            fact.application = submitted.application
            fact.call = submitted.call
            fact.siren = submitted.lead.siren
            fact.amountCents = submitted.requestedCents
            fact.time = submitted.submittedAt
        },
        FactConsumer.handler(
            ApplicationEligibilityDecided.self, .eligibilityDecided, key: { $0.application.figureText }
        ) { decided, fact in
            fact.application = decided.application
            fact.call = decided.call
            // A refusal without a reason must not read as an approval.
            let reasons = decided.reasons.isEmpty ? ["not-eligible"] : decided.reasons
            fact.reasons = decided.isEligible ? [] : reasons
        },
        FactConsumer.handler(
            ApplicationRecommended.self, .applicationRecommended, key: { $0.application.figureText }
        ) { recommended, fact in
            fact.application = recommended.application
            fact.call = recommended.call
            fact.word = recommended.recommendation.rawValue
            fact.ordinal = recommended.rank
            fact.count = recommended.reviewCount
        },
        FactConsumer.handler(
            ApplicationDecided.self, .applicationDecided, key: { $0.application.figureText }
        ) { decided, fact in
            fact.application = decided.application
            fact.call = decided.call
            fact.siren = decided.lead.siren
            fact.word = decided.outcome.rawValue
            fact.ordinal = decided.rank
            fact.amountCents = decided.requestedCents
            fact.time = decided.decidedAt
        },
    ]
}
