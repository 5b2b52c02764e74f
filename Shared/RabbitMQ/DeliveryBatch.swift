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
