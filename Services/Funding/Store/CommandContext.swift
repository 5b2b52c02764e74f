import Events
import Outbox

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Who does something, because of what, and when: what every event of a command carries.
struct CommandContext: Sendable {
    /// Subject of the principal, or the service's name for what it does by itself.
    let actor: String
    let cause: EventCause
    /// Business time.
    let now: Date

    func event(_ payload: some EventPayload, about subject: UUID) -> NewEvent {
        event(payload, about: subject.lowercase)
    }

    func event(_ payload: some EventPayload, about subject: String) -> NewEvent {
        NewEvent(payload, subject: subject, time: now, actor: actor, cause: cause)
    }
}

/// Something that the store keeps, with the version that callers name in `If-Match`.
struct Versioned<Value: Sendable>: Sendable {
    var value: Value
    /// From 1.
    let version: Int64

    /// - Throws: `StoreRefusal.versionMismatch` when the caller saw another version.
    func check(_ expected: Int64) throws(StoreRefusal) {
        guard version == expected else { throw .versionMismatch(current: version) }
    }
}

/// What the store refuses for reasons of its own.
enum StoreRefusal: Error, Equatable {
    /// There is none, or the caller may not see it. `noun` as in a sentence.
    case notFound(noun: String)
    case versionMismatch(current: Int64)
}

/// A promise of our own that does not hold; the transaction is rolled back and nothing happened.
struct LedgerContradiction: Error, CustomStringConvertible {
    let commandID: String
    var description: String { "the ledger refused \(commandID), which the state allowed" }
}
