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

/// Whose sites somebody may see and act on.
enum SiteReach: Sendable, Equatable {
    /// Those of one organisation (SIREN).
    case organisation(String)
    case all

    /// nil for all.
    var siren: String? {
        switch self {
        case .organisation(let siren): siren
        case .all: nil
        }
    }
}

/// A thing that a command changes: which one, who may reach it, and which version they saw.
struct CommandTarget: Sendable {
    let id: UUID
    let reach: SiteReach
    /// nil for what does not change the aggregate, such as an enrolment.
    let expectedVersion: Int64?

    /// - Throws: `StoreRefusal.versionMismatch` when the caller saw another version.
    func check(_ current: Int64) throws(StoreRefusal) {
        if let expectedVersion, expectedVersion != current { throw .versionMismatch(current: current) }
    }
}

/// What the store refuses for reasons of its own.
enum StoreRefusal: Error, Equatable {
    /// There is none, or the caller may not see it. `noun` as in a sentence.
    case notFound(noun: String)
    case versionMismatch(current: Int64)
}
