import Events
package import FoundationEssentials
package import Postgres

/// A message that could not be applied, as it lies in the table.
package struct DeadLetter: Sendable {
    package enum State: String, Sendable, Encodable {
        case open, retried, dropped
    }

    package let id: Int64
    package let messageID: String?
    /// nil for what was no event of ours when it came.
    package let eventID: UUID?
    package let type: String?
    package let owner: String?
    package let stream: String?
    package let subject: String?
    package let sequence: Int64?
    package let failureClass: String
    package let reason: String
    package let exchange: String
    package let routingKey: String
    package let headers: PostgresJSON
    /// As it came; it may hold values about persons.
    package let body: [UInt8]
    package let firstSeen: Date
    /// Attempts of the inbox, or for what the broker gave up on, how often it did.
    package let attempts: Int
    package let state: State
    package let settledAt: Date?

    /// The event that the body holds, read anew: a later version may understand what an earlier one did not.
    package var event: InboundEvent? { (try? EventEnvelope(decoding: body)).map { InboundEvent($0, position: nil) } }

    init(_ row: PostgresRow) throws(PostgresError) {
        id = try row.get("id")
        messageID = try row.get("message_id")
        eventID = try row.get("event_id")
        type = try row.get("type")
        owner = try row.get("owner")
        stream = try row.get("stream")
        subject = try row.get("subject")
        sequence = try row.get("sequence")
        failureClass = try row.get("class")
        reason = try row.get("reason")
        exchange = try row.get("exchange")
        routingKey = try row.get("routing_key")
        headers = try row.get("headers")
        body = try row.get("body")
        firstSeen = try row.get("first_seen")
        attempts = Int(try row.get("attempts", as: Int32.self))
        state = try row.get("state")
        settledAt = try row.get("settled_at")
    }
}

/// Open dead letters with one cause.
package struct DeadLetterGroup: Sendable {
    package let failureClass: String
    package let reason: String
    package let type: String?
    package let count: Int64
    package let firstSeen: Date
    package let lastSeen: Date
    /// Of the first one, by the database's clock.
    package let ageSeconds: Int64
    /// The first ones, without those whose body is too long to be one of our events.
    package let examples: [Example]

    package struct Example: Sendable {
        package let id: Int64
        package let subject: String?
        package let event: InboundEvent?
    }
}

/// What became of a dead letter that somebody retried or dropped, or what would.
package struct DeadLetterResult: Sendable {
    package enum Outcome: String, Sendable, Encodable, CaseIterable {
        /// It took effect.
        case applied
        /// It was handed over, and means nothing here.
        case ignored
        /// Its effect was there already.
        case duplicate
        /// It waits with the others that came too early, and is applied as soon as it can be.
        case parked
        case dropped
        /// It still cannot be applied, and stays.
        case failed
        /// What was asked for cannot be done with it, and it stays.
        case refused
        /// Somebody was faster.
        case settledBefore = "settled-before"
        case unknown

        /// Whether it is no open dead letter any more, and that by this act.
        package var isSettled: Bool {
            switch self {
            case .applied, .ignored, .duplicate, .parked, .dropped: true
            case .failed, .refused, .settledBefore, .unknown: false
            }
        }
    }

    package let letter: Int64
    package internal(set) var outcome: Outcome
    /// Why, and what would mend it; without values of the message.
    package internal(set) var detail = ""
    package internal(set) var event: InboundEvent?
    /// Events that it and its followers caused here, by type.
    package internal(set) var published: [String: Int] = [:]
    /// Events that had waited behind it and took effect with it.
    package internal(set) var followerCount = 0
    /// Followers that failed and lie among the dead letters now.
    package internal(set) var buriedCount = 0

    init(_ letter: Int64, _ outcome: Outcome, _ detail: String = "") {
        self.letter = letter
        self.outcome = outcome
        self.detail = detail
    }
}
