import Events
import FoundationEssentials
import Postgres
import RabbitMQ

/// An event that waits for its confirm.
struct OutboxRow: Sendable {
    let position: Int64
    let key: SubjectKey
    let sequence: Int64
    /// Since it was recorded, by the database's clock, when it was read.
    let age: Duration
    /// nil when it cannot be published here: its type is no type, or another service's.
    let message: OutgoingMessage?
    /// Nobody listens to its type, so the broker may return it.
    let mayBeReturned: Bool
}

/// Where the log has an event, beside what the event says: for counting and measuring alone.
package enum LogHeaders {
    /// The event's position in its owner's log.
    package static let position = "log-position"
    /// When it was recorded, in milliseconds since 1970 by the clock of the owner's database.
    package static let loggedAt = "logged-at"
}

/// Turns rows of the log into messages.
struct MessageFactory {
    private struct Route {
        let type: EventType
        let hasListener: Bool
    }

    private let owner: EventOwner
    private let exchange: String
    private let appID: String
    /// nil for a type that cannot be published.
    private var routes: [String: Route?] = [:]

    init(owner: EventOwner) {
        self.owner = owner
        exchange = EventCatalogue.exchange(of: owner)
        appID = "maillage.\(owner.rawValue)"
    }

    mutating func row(_ row: PostgresRow) throws(PostgresError) -> OutboxRow {
        let key = SubjectKey(stream: try row.get("stream"), subject: try row.get("subject"))
        let sequence: Int64 = try row.get("sequence")
        let route = route(try row.get("type"))
        let message: OutgoingMessage? = if let route { try self.message(row, route.type, key, sequence) } else { nil }
        return OutboxRow(
            position: try row.get("position"), key: key, sequence: sequence,
            age: .seconds(try row.get("age_seconds", as: Double.self)), message: message,
            mayBeReturned: route.map { !$0.hasListener } ?? false)
    }

    private mutating func route(_ name: String) -> Route? {
        if let known = routes[name] { return known }
        let type = EventType(name).flatMap { $0.owner == owner ? $0 : nil }
        let route = type.map { Route(type: $0, hasListener: EventCatalogue.hasListener($0)) }
        routes[name] = .some(route)
        return route
    }

    private func message(
        _ row: PostgresRow, _ type: EventType, _ key: SubjectKey, _ sequence: Int64
    ) throws(PostgresError) -> OutgoingMessage {
        let id: UUID = try row.get("id")
        let traceparent: String? = try row.get("traceparent")
        let data: String = try row.get("data")
        let personal: String? = try row.get("personal")
        let envelope = EventEnvelope(
            id: id, type: type, subject: key.subject, time: try row.get("time"), sequence: sequence,
            correlationID: try row.get("correlation"), causationID: try row.get("causation"), traceparent: traceparent,
            data: Self.spliced(data, personal))
        let messageID = id.lowercase
        var headers: [(String, HeaderValue)] = [
            ("ce-id", .string(messageID)), ("ce-type", .string(type.name)), ("ce-source", .string(type.owner.source)),
            ("ce-subject", .string(key.subject)), ("ce-sequence", .int(sequence)),
            (LogHeaders.position, .int(try row.get("position"))),
            (LogHeaders.loggedAt, .int(try row.get("logged_at"))),
        ]
        if let traceparent { headers.append(("traceparent", .string(traceparent))) }
        return OutgoingMessage(
            exchange: exchange, routingKey: type.routingKey, body: envelope.encoded(), messageID: messageID,
            type: type.name, contentType: EventEnvelope.contentType, appID: appID, timestamp: envelope.time,
            headers: headers)
    }

    /// `data` with the values about persons as its last member. Both are JSON that our own encoder wrote.
    private static func spliced(_ data: String, _ personal: String?) -> [UInt8] {
        guard let personal, let end = data.utf8.lastIndex(of: UInt8(ascii: "}")) else { return Array(data.utf8) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.utf8.count + personal.utf8.count + 16)
        bytes.append(contentsOf: data.utf8[..<end])
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: #""personal":"#.utf8)
        bytes.append(contentsOf: personal.utf8)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
