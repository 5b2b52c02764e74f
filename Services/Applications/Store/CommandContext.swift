import Events
import FoundationEssentials
import Outbox

/// Who does something, because of what, and when: what every event of a command carries.
struct CommandContext: Sendable {
    /// Subject of the principal, or the service's name for what it does by itself.
    let actor: String
    let cause: EventCause
    /// Business time.
    let now: Date

    func event(_ payload: some EventPayload, about subject: UUID) -> NewEvent {
        NewEvent(payload, subject: subject.lowercase, time: now, actor: actor, cause: cause)
    }
}

/// What the store refuses for reasons of its own.
enum StoreRefusal: Error, Equatable {
    /// There is none, or the caller may not see it. `noun` as in a sentence.
    case notFound(noun: String)
    case versionMismatch(current: Int64)
}
