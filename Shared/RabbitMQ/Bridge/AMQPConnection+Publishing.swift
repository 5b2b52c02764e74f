import CRabbitMQ
import FoundationEssentials

extension AMQPConnection {
    // MARK: Publishing

    /// Writes the messages of a chunk as few segments. Read everything that is there first: 0.11 waits for ever in a
    /// publish when the time for the broker's heartbeat is past.
    func corked(until deadline: Moment, _ body: () throws(RabbitMQError) -> Void) throws(RabbitMQError) {
        _ = maillage_cork(socket.descriptor, 1)
        defer { _ = maillage_cork(socket.descriptor, 0) }
        try guarded(until: deadline, body)
        lastSent = .now()
    }

    /// Nil when the message can be sent; otherwise why not. Checked before, because the library finds out between two
    /// frames of the message and leaves the channel broken.
    static func refusal(of message: OutgoingMessage) -> PublishOutcome? {
        func fits(_ name: String) -> Bool { name.utf8.count <= 255 }
        guard
            fits(message.exchange), fits(message.routingKey), fits(message.messageID), fits(message.contentType),
            fits(message.type ?? ""), fits(message.appID ?? "")
        else {
            return .returned(code: 501, reason: "not sent: a name in the message is longer than 255 bytes")
        }
        guard message.headers.allSatisfy({ 1...128 ~= $0.0.utf8.count }) else {
            return .returned(code: 501, reason: "not sent: a header's key must have 1 … 128 bytes")
        }
        guard MessageArena.byteCount(message.headers) + 16 * message.headers.count <= propertyBytesMax else {
            return .returned(code: 311, reason: "not sent: the headers exceed \(propertyBytesMax) bytes")
        }
        return nil
    }

    /// Writes one message that ``refusal(of:)`` lets pass. May wait for the socket: only inside ``corked(until:_:)``.
    func publish(_ message: OutgoingMessage) throws(RabbitMQError) {
        arena.begin(
            byteCount: 6 * 255 + MessageArena.byteCount(message.headers), entryCount: message.headers.count)
        var properties = amqp_basic_properties_t()
        var flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG
        properties.delivery_mode = 2
        properties.message_id = arena.copy(message.messageID)
        properties.content_type = arena.copy(message.contentType)
        if let type = message.type {
            flags |= AMQP_BASIC_TYPE_FLAG
            properties.type = arena.copy(type)
        }
        if let appID = message.appID {
            flags |= AMQP_BASIC_APP_ID_FLAG
            properties.app_id = arena.copy(appID)
        }
        if let timestamp = message.timestamp {
            flags |= AMQP_BASIC_TIMESTAMP_FLAG
            properties.timestamp = UInt64(max(0, timestamp.timeIntervalSince1970))
        }
        if !message.headers.isEmpty {
            flags |= AMQP_BASIC_HEADERS_FLAG
            properties.headers = arena.table(message.headers)
        }
        properties._flags = amqp_flags_t(flags)
        let exchange = arena.copy(message.exchange)
        let routingKey = arena.copy(message.routingKey)
        let status = message.body.withUnsafeBytes { body in
            amqp_basic_publish(
                state, Self.channel, exchange, routingKey, message.isMandatory ? 1 : 0, 0, &properties,
                amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(status: status, while: "publishing") }
    }
}
