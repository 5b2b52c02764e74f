import Events
import FoundationEssentials
import Outbox

/// Who does something, because of what, and when: what every event of a command carries.
struct CommandContext: Sendable {
    /// Subject of the principal.
    let actor: String
    let cause: EventCause
    /// Business time.
    let now: Date

    func event(_ payload: some EventPayload, about subject: UUID) -> NewEvent {
        NewEvent(payload, subject: subject.lowercase, time: now, actor: actor, cause: cause)
    }
}
