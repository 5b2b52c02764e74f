import Events
import FoundationEssentials
import Outbox
import Postgres
import RabbitMQ

/// A message as it came, kept for the case that it must be parked or lies among the dead letters.
struct MessageSource: Sendable {
    /// Encoded only for what is kept: that costs more than to take a message apart.
    private enum Headers: Sendable {
        case received([(String, HeaderValue)])
        case stored(PostgresJSON)
    }

    let messageID: String?
    let exchange: String
    let routingKey: String
    /// The original bytes.
    let body: [UInt8]
    /// From 1.
    let deliveryNumber: Int
    /// In the owner's log, when the message tells.
    let position: Int64?
    /// Milliseconds since 1970 by the clock of the owner's database.
    let loggedAt: Int64?
    /// Set on what the broker gave up on.
    let death: DeathRecord?
    private let receivedHeaders: Headers

    init(_ delivery: Delivery, body: [UInt8]) {
        messageID = delivery.messageID.map { StoredText.clean($0) }
        exchange = StoredText.clean(delivery.exchange)
        routingKey = StoredText.clean(delivery.routingKey)
        receivedHeaders = .received(delivery.headers)
        self.body = body
        deliveryNumber = delivery.deliveryCount + 1
        position = delivery.number(LogHeaders.position)
        loggedAt = delivery.number(LogHeaders.loggedAt)
        death = nil
    }

    /// A message from a queue of dead letters, as it was before it died.
    init(dead delivery: Delivery, body: [UInt8]) {
        let death = delivery.death
        messageID = delivery.messageID.map { StoredText.clean($0) }
        exchange = StoredText.clean(death?.exchange ?? delivery.exchange)
        routingKey = StoredText.clean(death?.routingKey ?? delivery.routingKey)
        var headers = delivery.headers
        if let death {
            headers.append(("x-death-queue", .string(death.queue)))
            headers.append(("x-death-reason", .string(death.reason)))
            headers.append(("x-death-count", .int(Int64(death.count))))
        }
        receivedHeaders = .received(headers)
        self.body = body
        deliveryNumber = max(1, death?.count ?? 1)
        self.death = death
        position = delivery.number(LogHeaders.position)
        loggedAt = nil
    }

    init(exchange: String, routingKey: String, headers: PostgresJSON, body: [UInt8]) {
        messageID = nil
        self.exchange = exchange
        self.routingKey = routingKey
        receivedHeaders = .stored(headers)
        self.body = body
        deliveryNumber = 1
        position = (try? headers.decode([String: String].self))?[LogHeaders.position].flatMap { Int64($0) }
        loggedAt = nil
        death = nil
    }

    var headers: PostgresJSON {
        switch receivedHeaders {
        case .received(let headers): Self.json(headers)
        case .stored(let json): json
        }
    }

    /// The scalar headers; of two with one key the last stays. `jsonb` refuses a NUL even when it is escaped.
    private static func json(_ headers: [(String, HeaderValue)]) -> PostgresJSON {
        guard !headers.isEmpty else { return PostgresJSON(bytes: Array("{}".utf8)) }
        var texts: [String: String] = [:]
        for (key, value) in headers { texts[StoredText.clean(key)] = text(value) }
        // Strings alone always encode.
        return (try? PostgresJSON(encoding: texts)) ?? PostgresJSON(bytes: Array("{}".utf8))
    }

    private static func text(_ value: HeaderValue) -> String? {
        switch value {
        case .string(let text): StoredText.clean(text, bytesMax: 1024)
        case .int(let number): String(number)
        case .bool(let flag): String(flag)
        case .nested, .other: nil
        }
    }
}

/// An event that was received.
struct InboundMessage: Sendable {
    let event: InboundEvent
    let source: MessageSource
    let isSequenced: Bool
}

/// What a batch of deliveries holds.
struct BatchContents {
    /// In the order of processing: what needs no order as it came, then the rest by subject and sequence.
    private(set) var messages: [InboundMessage] = []
    private(set) var undecodable: [(source: MessageSource, failure: PermanentFailure)] = []
    /// The same id again within the batch: one statement cannot insert it twice.
    private(set) var repeatCount = 0
    /// When the oldest of them was recorded, as ``MessageSource/loggedAt``.
    private(set) var oldestLoggedAt: Int64?

    init(_ batch: DeliveryBatch, _ handlers: HandlerTable) {
        messages.reserveCapacity(batch.count)
        var ids = Set<UUID>(minimumCapacity: batch.count)
        for (index, delivery) in batch.deliveries.enumerated() {
            let source = MessageSource(delivery, body: Array(batch.body(index)))
            do throws(PermanentFailure) {
                let event = try Self.event(source)
                if let loggedAt = source.loggedAt { oldestLoggedAt = min(oldestLoggedAt ?? loggedAt, loggedAt) }
                guard ids.insert(event.id).inserted else {
                    repeatCount += 1
                    continue
                }
                messages.append(
                    InboundMessage(event: event, source: source, isSequenced: handlers.isSequenced(event)))
            } catch {
                undecodable.append((source, error))
            }
        }
        let ordered = messages.filter(\.isSequenced).sorted {
            ($0.event.key, $0.event.sequence) < ($1.event.key, $1.event.sequence)
        }
        if !ordered.isEmpty { messages = messages.filter { !$0.isSequenced } + ordered }
    }

    static func event(_ source: MessageSource) throws(PermanentFailure) -> InboundEvent {
        guard source.body.count <= EventEnvelope.byteCountMax else {
            let reason = "\(source.body.count) bytes, \(EventEnvelope.byteCountMax) are allowed"
            throw PermanentFailure(class: "envelope", reason: reason)
        }
        let envelope: EventEnvelope
        do {
            envelope = try EventEnvelope(decoding: source.body)
        } catch {
            throw PermanentFailure(class: "envelope", reason: error.description)
        }
        // Longer ones do not fit into an index, and no owner of ours sends control characters.
        guard StoredText.clean(envelope.subject) == envelope.subject else {
            throw PermanentFailure(class: "envelope", reason: "subject: over 255 bytes or with control characters")
        }
        return InboundEvent(envelope, position: source.position)
    }
}

extension Delivery {
    fileprivate func number(_ key: String) -> Int64? {
        if case .int(let number) = header(key) { number } else { nil }
    }
}
