import Events
import Inbox

/// What this service has not done while an event lies among its dead letters: responses wait or are refused meanwhile.
enum DeadLetterWords {
    private static let intake = BusinessWords(fr: "recueil des réponses", en: "intake of responses")
    private static let end = BusinessWords(fr: "fin du recueil", en: "end of the intake")
    static let effects = [
        SiteOpened.type.name: BusinessWords(
            fr: "invitations par le tiers-lieu", en: "invitations by the third place"),
        ExperimentRegistered.type.name: intake,
        ProtocolApproved.type.name: intake,
        ExperimentStarted.type.name: intake,
        ParticipantEnrolled.type.name: intake,
        ExperimentCompleted.type.name: end,
        ExperimentTerminated.type.name: end,
    ]

    static func describe(_ event: InboundEvent) -> BusinessWords? { event.words(notDone: effects) }
}
