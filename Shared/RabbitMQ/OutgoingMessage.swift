package import FoundationEssentials

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
