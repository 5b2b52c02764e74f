package import Events
package import FoundationEssentials

/// An event to be appended. Its payload is encoded once, here.
package struct NewEvent: Sendable {
    /// Of the payload, values about persons included. The envelope around it stays far below the 64 KiB that
    /// CloudEvents lets intermediaries refuse.
    package static let payloadBytesMax = 49_152
    /// The subject is part of indexes and of the listeners' lock rows.
    package static let subjectBytesMax = StoredText.bytesMax

    /// What is stored: the payload as JSON, and apart from it the values about single persons.
    struct Body: Sendable {
        let data: [UInt8]
        let personal: [UInt8]?
    }

    package let id: UUID
    package let type: EventType
    package let subject: String
    package let time: Date
    package let actor: String
    package let cause: EventCause
    let body: Result<Body, EventLogError>

    /// A payload that cannot be encoded or is too large makes ``EventLog/append(_:in:)`` throw.
    /// - Parameters:
    ///   - subject: the aggregate's id.
    ///   - time: business time, from the programme clock.
    ///   - actor: the principal's subject, or the service's name for what it does by itself.
    package init(_ payload: some EventPayload, subject: String, time: Date, actor: String, cause: EventCause) {
        id = EventID.next()
        type = Swift.type(of: payload).type
        self.subject = subject
        self.time = time
        self.actor = StoredText.clean(actor)
        self.cause = cause
        body = Self.encode(payload, subject: subject)
    }

    private static func encode(_ payload: some EventPayload, subject: String) -> Result<Body, EventLogError> {
        let type = Swift.type(of: payload).type
        guard !subject.isEmpty, StoredText.clean(subject) == subject else {
            let reason = "the subject must have 1 to \(subjectBytesMax) bytes and no control characters"
            return .failure(EventLogError(code: .invalidSubject, type: type, reason: reason))
        }
        let body: Body
        do {
            body = try split(payload)
        } catch {
            // The error's own text may quote values.
            return .failure(EventLogError(code: .notEncodable, type: type, reason: "the payload cannot be encoded"))
        }
        guard body.data.first == UInt8(ascii: "{") else {
            return .failure(EventLogError(code: .notEncodable, type: type, reason: "the payload is no JSON object"))
        }
        let byteCount = body.data.count + (body.personal?.count ?? 0)
        guard byteCount <= payloadBytesMax else {
            let reason = "the payload has \(byteCount) bytes, \(payloadBytesMax) are allowed: split it"
            return .failure(EventLogError(code: .payloadTooLarge, type: type, reason: reason))
        }
        return .success(body)
    }

    private static func split(_ payload: some EventPayload) throws -> Body {
        guard let payload = payload as? any PersonalEventPayload else {
            return Body(data: try WireCoding.encode(payload), personal: nil)
        }
        return try splitPersonal(payload)
    }

    private static func splitPersonal<Payload: PersonalEventPayload>(_ payload: Payload) throws -> Body {
        guard let personal = payload.personal else { return Body(data: try WireCoding.encode(payload), personal: nil) }
        var rest = payload
        rest.personal = nil
        return Body(data: try WireCoding.encode(rest), personal: try WireCoding.encode(personal))
    }
}
