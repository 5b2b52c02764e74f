package import Events

/// Why events were not appended. The program is at fault, so nothing was sent to the database.
package struct EventLogError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The payload is over ``NewEvent/payloadBytesMax``: split it into several events.
        case payloadTooLarge
        /// `JSONEncoder` refused the payload, or it is no JSON object.
        case notEncodable
        /// Empty, over ``NewEvent/subjectBytesMax`` or with control characters.
        case invalidSubject
        /// More than ``EventLog/eventCountMax`` in one call.
        case tooManyEvents
    }

    package let code: Code
    /// nil when the call as a whole is at fault.
    package let type: EventType?
    /// Without values of the payload.
    package let reason: String

    package var description: String { "\(type?.name ?? "events"): \(reason)" }
}
