package import FoundationEssentials

/// Why a message is not one of our events; `field` is the CloudEvents attribute at fault.
package struct EnvelopeError: Error, Equatable, CustomStringConvertible {
    package let field: String
    package let reason: String
    package var description: String { "\(field): \(reason)" }
}

/// A domain event as it travels: a CloudEvents 1.0 message in structured JSON (`application/cloudevents+json`).
package struct EventEnvelope: Sendable, Equatable {
    package static let contentType = "application/cloudevents+json; charset=utf-8"
    /// CloudEvents obliges intermediaries to forward no more than 64 KiB.
    package static let byteCountMax = 65_536

    /// Of the event, on first delivery and on every repetition.
    package var id: UUID
    package var type: EventType
    /// The aggregate.
    package var subject: String
    package var time: Date
    /// Number of the event within (owner, noun, subject), from 1 without gaps.
    package var sequence: Int64
    package var correlationID: String
    package var causationID: String?
    package var traceparent: String?
    /// The payload as JSON. On the wire the member `personal` is part of it.
    package var data: [UInt8]

    package init(
        id: UUID, type: EventType, subject: String, time: Date, sequence: Int64, correlationID: String,
        causationID: String? = nil, traceparent: String? = nil, data: [UInt8]
    ) {
        self.id = id
        self.type = type
        self.subject = subject
        self.time = time
        self.sequence = sequence
        self.correlationID = correlationID
        self.causationID = causationID
        self.traceparent = traceparent
        self.data = data
    }

    /// The message body: members in a fixed order, `data` last and byte for byte as given.
    package func encoded() -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(data.count + 512)
        body.append(contentsOf: #"{"specversion":"1.0","id":""#.utf8)
        body.append(contentsOf: id.lowercase.utf8)
        append("source", type.owner.source, to: &body)
        append("type", type.name, to: &body)
        append("subject", subject, to: &body)
        append("time", WireInstant.format(time), to: &body)
        append("dataschema", type.dataSchema, to: &body)
        append("datacontenttype", "application/json", to: &body)
        append("correlationid", correlationID, to: &body)
        if let causationID { append("causationid", causationID, to: &body) }
        if let traceparent { append("traceparent", traceparent, to: &body) }
        body.append(contentsOf: "\",\"sequence\":\(sequence),\"data\":".utf8)
        body.append(contentsOf: data)
        body.append(UInt8(ascii: "}"))
        return body
    }

    /// Reads a message body. Attributes we do not know are skipped, as CloudEvents asks.
    package init(decoding body: [UInt8]) throws(EnvelopeError) {
        let members: JSONMembers
        do throws(JSONSyntaxError) { members = try JSONMembers(body) } catch {
            throw EnvelopeError(field: "body", reason: error.description)
        }
        guard members.string("specversion") == "1.0" else {
            throw EnvelopeError(field: "specversion", reason: #"must be "1.0""#)
        }
        guard let type = try Self.required("type", members).flatMap({ EventType($0) }) else {
            throw EnvelopeError(field: "type", reason: "must be <service>.<noun>.<past-participle>.v<version>")
        }
        guard try Self.required("source", members) == type.owner.source else {
            throw EnvelopeError(field: "source", reason: "must be \(type.owner.source), the owner of \(type.name)")
        }
        guard let id = try Self.required("id", members).flatMap({ UUID(characters: $0) }) else {
            throw EnvelopeError(field: "id", reason: "must be a UUID")
        }
        guard let time = try Self.required("time", members).flatMap({ WireInstant.parse($0) }) else {
            throw EnvelopeError(field: "time", reason: "must be an RFC 3339 instant")
        }
        guard let sequence = members.integer("sequence"), sequence >= 1 else {
            throw EnvelopeError(field: "sequence", reason: "must be a whole number from 1")
        }
        guard let data = members.value("data"), data.first == UInt8(ascii: "{") else {
            throw EnvelopeError(field: "data", reason: "must be an object")
        }
        guard let subject = try Self.required("subject", members), !subject.isEmpty else {
            throw EnvelopeError(field: "subject", reason: "must not be empty")
        }
        self.init(
            id: id, type: type, subject: subject, time: time, sequence: sequence,
            correlationID: members.string("correlationid") ?? id.lowercase, causationID: members.string("causationid"),
            traceparent: members.string("traceparent"), data: Array(data))
    }

    private static func required(_ key: StaticString, _ members: JSONMembers) throws(EnvelopeError) -> String? {
        guard let value = members.string(key) else {
            throw EnvelopeError(field: "\(key)", reason: "is missing or not a string")
        }
        return value
    }

    /// Ends the string before, then opens the member's value without closing it.
    private func append(_ key: StaticString, _ value: String, to body: inout [UInt8]) {
        body.append(contentsOf: "\",\"".utf8)
        body.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        body.append(contentsOf: "\":\"".utf8)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                body.append(UInt8(ascii: "\\"))
                body.append(byte)
            case 0..<0x20:
                // Control characters cannot occur in our identifiers; an outsider's correlation id may hold them.
                body.append(UInt8(ascii: "?"))
            default: body.append(byte)
            }
        }
    }
}
