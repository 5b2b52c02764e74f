import Events
import FoundationEssentials
import Outbox

/// Who does something, because of what, and when: what every event of a command carries.
struct CommandContext: Sendable {
    /// Subject of the principal, or who sits at the command line.
    let actor: String
    let cause: EventCause
    /// Business time.
    let now: Date

    func event(_ payload: some EventPayload, about subject: String) -> NewEvent {
        NewEvent(payload, subject: subject, time: now, actor: actor, cause: cause)
    }
}
