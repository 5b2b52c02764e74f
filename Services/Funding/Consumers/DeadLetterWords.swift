import Events
import Inbox

/// What this service has not done while an event lies among its dead letters: mostly money that does not move.
enum DeadLetterWords {
    private static let release = BusinessWords(fr: "déblocage de tranche", en: "release of a tranche")
    private static let hold = BusinessWords(fr: "retenue de tranche", en: "hold of a tranche")
    static let effects = [
        CallPublished.type.name: BusinessWords(fr: "plafond des enveloppes", en: "ceiling of the envelopes"),
        ApplicationDecided.type.name: BusinessWords(fr: "réservation de subvention", en: "reservation of a grant"),
        CofundingRequested.type.name: BusinessWords(fr: "cofinancement", en: "co-funding"),
        ExperimentRegistered.type.name: BusinessWords(fr: "rattachement à la convention", en: "link to the agreement"),
        SiteOpened.type.name: release,
        MilestoneReached.type.name: release,
        MilestoneLost.type.name: hold,
        ExperimentCompleted.type.name: release,
        ExperimentStarted.type.name: release,
        ExperimentTerminated.type.name: hold,
        SiteReportAccepted.type.name: release,
        SiteReportReopened.type.name: hold,
        EvaluationPublished.type.name: release,
    ]

    static func describe(_ event: InboundEvent) -> BusinessWords? { event.words(notDone: effects) }
}
