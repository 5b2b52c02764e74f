import Events
import Inbox

/// What this service has not done while an event lies among its dead letters.
enum DeadLetterWords {
    private static let cofunding = BusinessWords(fr: "accord de cofinancement", en: "outcome of co-funding")
    private static let news = BusinessWords(fr: "information du tiers-lieu", en: "news for the third place")
    static let effects = [
        RuleSetPublished.type.name: BusinessWords(fr: "estimation des cofinancements", en: "estimates of co-funding"),
        StateAidRulesPublished.type.name: BusinessWords(
            fr: "estimation des cofinancements", en: "estimates of co-funding"),
        AgreementSigned.type.name: BusinessWords(fr: "création du tiers-lieu", en: "creation of the third place"),
        CofundingApproved.type.name: cofunding,
        CofundingRefused.type.name: cofunding,
        MilestoneReached.type.name: news,
        MilestoneLost.type.name: news,
    ]

    static func describe(_ event: InboundEvent) -> BusinessWords? { event.words(notDone: effects) }
}
