import Events
import Inbox

/// What this service has not done while an event lies among its dead letters: a figure is wrong by it.
enum DeadLetterWords {
    private static let effect = BusinessWords(fr: "absent des chiffres", en: "missing from the figures")

    static func describe(_ event: InboundEvent) -> BusinessWords? {
        event.words.map { BusinessWords(effect, because: $0) }
    }
}
