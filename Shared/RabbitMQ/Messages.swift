package import FoundationEssentials

/// A value of a message's header table. What is nested is counted and never followed: a hostile sender nests thousands deep.
package enum HeaderValue: Sendable, Equatable {
    case string(String)
    case int(Int64)
    case bool(Bool)
    /// A table, an array, a float, bytes, a text that is no UTF-8 or is longer than ``MessageProperties/headerTextBytesMax``.
    case other
}

/// A message to publish; always persistent (delivery mode 2).
package struct OutgoingMessage: Sendable {
    package var exchange: String
    package var routingKey: String
    package var body: [UInt8]
    /// Unique among the messages in flight: a returned message is found by it.
    package var messageID: String
    package var type: String?
    package var contentType: String
    package var appID: String?
    /// Whole seconds on the wire.
    package var timestamp: Date?
    package var headers: [(String, HeaderValue)]
    /// Whether the broker must return the message when no queue takes it, instead of dropping it.
    package var isMandatory: Bool

    package init(
        exchange: String, routingKey: String, body: [UInt8], messageID: String, type: String? = nil,
        contentType: String, appID: String? = nil, timestamp: Date? = nil, headers: [(String, HeaderValue)] = [],
        isMandatory: Bool = true
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.messageID = messageID
        self.type = type
        self.contentType = contentType
        self.appID = appID
        self.timestamp = timestamp
        self.headers = headers
        self.isMandatory = isMandatory
    }
}

/// What became of a published message.
package enum PublishOutcome: Sendable, Equatable {
    /// Every queue that it was routed to has it on disk.
    case confirmed
    /// No queue took it (code 312), or it cannot be sent at all (501, 311: a name or the headers are too long).
    case returned(code: Int, reason: String)
    /// A queue refused it (full, or an internal error). Others may have stored it: publishing again makes a duplicate there.
    case nacked
    /// Nobody can say: the connection, the channel or the deadline ended before the confirm. Publish again; listeners drop
    /// duplicates.
    case unknown(String)
}

/// A message that the broker delivered; its body lies in the batch.
package struct Delivery: Sendable {
    package let exchange: String
    package let routingKey: String
    /// Counts deliveries of one channel.
    package let tag: UInt64
    package let isRedelivered: Bool
    /// How often it was delivered before, as the quorum queue counts; 0 or 1 where the queue does not count.
    package let deliveryCount: Int
    package let messageID: String?
    package let type: String?
    package let contentType: String?
    /// Checked by the broker against the sender's login, when present.
    package let userID: String?
    package let headers: [(String, HeaderValue)]
    /// A key was empty, a text no UTF-8 or too long, or the table was cut or had too many entries: trust no header.
    package let headersAreMalformed: Bool
    package let bodyRange: Range<Int>

    package init(
        exchange: String, routingKey: String, tag: UInt64, isRedelivered: Bool, properties: MessageProperties,
        bodyRange: Range<Int>
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.tag = tag
        self.isRedelivered = isRedelivered
        deliveryCount = properties.deliveryCount ?? (isRedelivered ? 1 : 0)
        messageID = properties.messageID
        type = properties.type
        contentType = properties.contentType
        userID = properties.userID
        headers = properties.headers
        headersAreMalformed = properties.isMalformed
        self.bodyRange = bodyRange
    }

    /// The first value under a key.
    package func header(_ key: String) -> HeaderValue? { headers.first { $0.0 == key }?.1 }
}

/// Consecutive deliveries with their bodies in one buffer: two allocations for hundreds of messages.
package struct DeliveryBatch: Sendable {
    package let deliveries: [Delivery]
    /// All bodies, one behind the other.
    package let bytes: [UInt8]
    /// The channel that it came through; acknowledgements of an older one are void, the broker redelivers.
    let generation: Int
    /// Counts the batches of a generation.
    let number: Int

    /// A batch without a broker behind it, for tests of what consumes batches.
    package init(deliveries: [Delivery], bytes: [UInt8]) {
        self.init(deliveries: deliveries, bytes: bytes, generation: 0, number: 0)
    }

    init(deliveries: [Delivery], bytes: [UInt8], generation: Int, number: Int) {
        self.deliveries = deliveries
        self.bytes = bytes
        self.generation = generation
        self.number = number
    }

    /// The batch that a queue would hand over after these messages were published to it.
    package init(_ messages: [OutgoingMessage]) {
        var bytes: [UInt8] = []
        var deliveries: [Delivery] = []
        for (index, message) in messages.enumerated() {
            let start = bytes.count
            bytes.append(contentsOf: message.body)
            var properties = MessageProperties()
            properties.messageID = message.messageID
            properties.type = message.type
            properties.contentType = message.contentType
            properties.headers = message.headers
            deliveries.append(
                Delivery(
                    exchange: message.exchange, routingKey: message.routingKey, tag: UInt64(index + 1),
                    isRedelivered: false, properties: properties, bodyRange: start..<bytes.count))
        }
        self.init(deliveries: deliveries, bytes: bytes)
    }

    package var count: Int { deliveries.count }

    package func body(_ index: Int) -> ArraySlice<UInt8> { bytes[deliveries[index].bodyRange] }
}
