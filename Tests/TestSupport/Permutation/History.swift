package import Events
package import FoundationEssentials
package import RabbitMQ

/// What happens to a service in a generated case, in its natural order: events of others, numbered as their owners
/// number them, and actions of the service's own users.
package struct History: Sendable {
    /// An event with its place.
    package struct Told: Sendable {
        /// Owner, noun and subject: what it is numbered in.
        package let stream: String
        package let sequence: Int64
        package let message: OutgoingMessage
        let label: String
    }

    /// Something that a user does once, whatever has arrived by then.
    package struct Action: Sendable {
        let label: String
        /// false when what it needs is not known yet: it is done again later.
        let perform: @Sendable () async throws -> Bool
    }

    enum Item: Sendable {
        case told(Told)
        case action(Action)

        var label: String {
            switch self {
            case .told(let told): told.label
            case .action(let action): action.label
            }
        }
    }

    package var chance: Chance
    /// Business time of events unless a generator moves it.
    package var now = EventBuilders.time
    private(set) var items: [Item] = []
    private var lastSequences: [String: Int64] = [:]

    package init(chance: Chance) { self.chance = chance }

    package mutating func tell(_ payload: some EventPayload, about subject: UUID) throws {
        try tell(payload, about: subject.lowercase)
    }

    package mutating func tell(_ payload: some EventPayload, about subject: String) throws {
        let type = Swift.type(of: payload).type
        let stream = "\(type.owner.rawValue).\(type.noun) \(subject)"
        let sequence = lastSequences[stream, default: 0] + 1
        lastSequences[stream] = sequence
        let id = chance.uuid()
        let envelope = EventEnvelope(
            id: id, type: type, subject: subject, time: now, sequence: sequence, correlationID: "permutation",
            data: try WireCoding.encode(payload))
        let message = OutgoingMessage(
            exchange: EventCatalogue.exchange(of: type.owner), routingKey: type.routingKey, body: envelope.encoded(),
            messageID: id.lowercase, type: type.name, contentType: EventEnvelope.contentType, headers: [])
        let label = "\(type.noun).\(type.participle) of \(subject) #\(sequence)"
        items.append(.told(Told(stream: stream, sequence: sequence, message: message, label: label)))
    }

    package mutating func act(_ label: String, _ perform: @escaping @Sendable () async throws -> Bool) {
        items.append(.action(Action(label: label, perform: perform)))
    }

    /// Items that stand or fall together, each in its order: the events of a stream, or one action. A case without the
    /// last ones of a group is a case too.
    var groups: [[Int]] {
        var order: [String] = []
        var groups: [String: [Int]] = [:]
        for (index, item) in items.enumerated() {
            let key = if case .told(let told) = item { told.stream } else { "action \(index)" }
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(index)
        }
        return order.compactMap { groups[$0] }
    }
}
