import Events
import Inbox

/// What this service has not done while an event lies among its dead letters.
enum DeadLetterWords {
    static let effects = [
        RuleSetPublished.type.name: BusinessWords(fr: "contrôle des dossiers", en: "checks of applications"),
        StateAidRulesPublished.type.name: BusinessWords(fr: "contrôle des dossiers", en: "checks of applications"),
        GrantReserved.type.name: BusinessWords(fr: "suivi du dossier", en: "standing of the application"),
        GrantRefused.type.name: BusinessWords(fr: "suivi du dossier", en: "standing of the application"),
        AgreementSigned.type.name: BusinessWords(fr: "clôture du dossier", en: "end of the application"),
    ]

    static func describe(_ event: InboundEvent) -> BusinessWords? { event.words(notDone: effects) }
}
