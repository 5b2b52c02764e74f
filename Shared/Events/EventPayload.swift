/// The `data` of one event type. A published version never changes; a new one is a new type beside it.
///
/// Payloads carry what listeners need and nothing that someone outside the system could recognise a person by: no name,
/// no e-mail address, no free text. `participant.enrolled` alone carries the pseudonym that outside publishers use.
package protocol EventPayload: Codable, Sendable, Equatable {
    static var type: EventType { get }
}

/// An event with values about single persons.
///
/// On the wire they travel as the member `personal` of `data`. Every service stores them in rows that can be deleted,
/// beside a log that keeps only their salted digests, so that an erasure leaves every log and hash chain whole.
package protocol PersonalEventPayload: EventPayload {
    associatedtype Personal: Codable & Sendable & Equatable
    /// nil once the person's values were erased.
    var personal: Personal? { get set }
}
