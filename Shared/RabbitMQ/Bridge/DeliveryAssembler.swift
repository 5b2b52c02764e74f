/// The open batch: bodies in one buffer, properties decoded as they come.
struct DeliveryAssembler {
    private(set) var deliveries: [Delivery] = []
    private(set) var bytes: [UInt8] = []
    private var cache = PropertyCache()
    private var exchange = RepeatedString()
    private var routingKey = RepeatedString()

    private var tag: UInt64 = 0
    private var isRedelivered = false
    private var names = (exchange: "", routingKey: "", areValid: true)
    private var properties = MessageProperties()
    private var bodyStart = 0
    private var isInMessage = false

    var count: Int { deliveries.count }

    mutating func reset() {
        deliveries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        bodyStart = 0
        isInMessage = false
    }

    mutating func begin(
        tag: UInt64, isRedelivered: Bool, exchange: UnsafeRawBufferPointer, routingKey: UnsafeRawBufferPointer
    ) {
        self.tag = tag
        self.isRedelivered = isRedelivered
        let (exchange, routingKey) = (self.exchange.string(exchange), self.routingKey.string(routingKey))
        names = (exchange ?? "", routingKey ?? "", exchange != nil && routingKey != nil)
        bodyStart = bytes.count
        isInMessage = true
    }

    mutating func header(_ raw: UnsafeRawBufferPointer) {
        properties = MessageProperties(decoding: raw, cache: &cache)
        if !names.areValid { properties.isMalformed = true }
    }

    mutating func append(_ fragment: UnsafeRawBufferPointer) { bytes.append(contentsOf: fragment) }

    mutating func finish() {
        deliveries.append(
            Delivery(
                exchange: names.exchange, routingKey: names.routingKey, tag: tag, isRedelivered: isRedelivered,
                properties: properties, bodyRange: bodyStart..<bytes.count))
        isInMessage = false
    }

    /// Ends the batch with its first messages and begins the next with as much memory: with the other messages, and
    /// with the one that has arrived in part.
    mutating func take(_ count: Int, generation: Int, number: Int) -> DeliveryBatch {
        let behindAll = isInMessage ? bodyStart : bytes.count
        let end = count < deliveries.count ? deliveries[count].bodyRange.lowerBound : behindAll
        let restBytes = Array(bytes[end...])
        bytes.removeLast(restBytes.count)
        let rest = deliveries[count...].map { $0.movedBack(by: end) }
        deliveries.removeLast(rest.count)
        let batch = DeliveryBatch(deliveries: deliveries, bytes: bytes, generation: generation, number: number)
        deliveries = []
        deliveries.reserveCapacity(max(batch.count, rest.count))
        deliveries.append(contentsOf: rest)
        bytes = []
        bytes.reserveCapacity(max(restBytes.count, min(batch.bytes.count, 1 << 20)))
        bytes.append(contentsOf: restBytes)
        bodyStart = max(0, bodyStart - end)
        return batch
    }
}
