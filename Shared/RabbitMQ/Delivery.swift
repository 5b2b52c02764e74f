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
    /// What the broker says about a message that it dead-lettered.
    package let death: DeathRecord?
    /// A key was empty, a text no UTF-8 or too long, or the table was cut or had too many entries: trust no header.
    package let headersAreMalformed: Bool
    package private(set) var bodyRange: Range<Int>

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
        death = properties.death
        headersAreMalformed = properties.isMalformed
        self.bodyRange = bodyRange
    }

    /// The same in a buffer from which so many bytes in front were taken.
    func movedBack(by count: Int) -> Delivery {
        var moved = self
        moved.bodyRange = bodyRange.lowerBound - count..<bodyRange.upperBound - count
        return moved
    }

    /// The first value under a key.
    package func header(_ key: String) -> HeaderValue? { headers.first { $0.0 == key }?.1 }
}
