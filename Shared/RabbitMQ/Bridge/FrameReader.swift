import CRabbitMQ

/// Puts messages together from raw frames, and tells the methods apart that arrive between them.
///
/// `amqp_consume_message` is no use here: it fails on a confirm, a return, an alarm or a cancel and leaves that frame
/// in the way.
struct FrameReader {
    enum Incoming {
        /// A part of a message, a heartbeat or nothing that concerns us.
        case nothing
        /// A message is complete in ``content``.
        case delivery
        case acknowledged(tag: UInt64, multiple: Bool)
        case rejected(tag: UInt64, multiple: Bool)
        /// Comes before the acknowledgement of the same message.
        case returned(messageID: String?, code: Int, reason: String)
        case blocked(reason: String)
        case unblocked
        /// The broker has done what ``AMQPConnection/requestCancel(subscription:)`` asked for.
        case unsubscribed
        /// The broker ended the subscription: the queue was deleted or its leader is gone.
        case cancelled
        case channelClosed(RabbitMQError)
    }

    private enum Step {
        case method
        case header
        case body(bytesLeft: UInt64)
    }

    private static let messagesPerRelease = 16

    /// The deliveries since the last ``DeliveryAssembler/take(_:generation:number:)``.
    var content = DeliveryAssembler()
    private var step = Step.method
    private var returned: (code: Int, reason: String)?
    private var returnedID: String?
    private var unreleased = 0

    /// Begins anew on another channel. Keeps the memory of texts, drops deliveries.
    mutating func reset() {
        content.reset()
        step = .method
        returned = nil
        unreleased = 0
    }

    /// Expects the message that follows the answer to `basic.get`.
    mutating func expectMessage(_ answer: amqp_basic_get_ok_t) {
        content.begin(
            tag: answer.delivery_tag, isRedelivered: answer.redelivered != 0,
            exchange: UnsafeRawBufferPointer(answer.exchange),
            routingKey: UnsafeRawBufferPointer(answer.routing_key))
        step = .header
    }

    /// Handles one frame.
    /// - Returns: nil when no frame is there.
    /// - Throws: when the connection is over, or speaks no AMQP.
    mutating func next(from connection: AMQPConnection) throws(RabbitMQError) -> Incoming? {
        var frame = amqp_frame_t()
        guard try connection.nextFrame(&frame) else { return nil }
        guard frame.channel == AMQPConnection.channel else {
            return try connectionFrame(frame, connection)
        }
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD:
            guard case .method = step else { throw Self.broken("a method inside a message") }
            return try method(frame.payload.method, connection)
        case AMQP_FRAME_HEADER:
            guard case .header = step else { throw Self.broken("a header without its method") }
            let bodySize = frame.payload.properties.body_size
            header(UnsafeRawBufferPointer(frame.payload.properties.raw))
            step = .body(bytesLeft: bodySize)
            return bodySize == 0 ? finish(connection) : .nothing
        case AMQP_FRAME_BODY:
            let fragment = UnsafeRawBufferPointer(frame.payload.body_fragment)
            guard case .body(let bytesLeft) = step, UInt64(fragment.count) <= bytesLeft else {
                throw Self.broken("a body longer than announced")
            }
            if returned == nil { content.append(fragment) }
            step = .body(bytesLeft: bytesLeft - UInt64(fragment.count))
            return bytesLeft == UInt64(fragment.count) ? finish(connection) : .nothing
        default:
            return .nothing
        }
    }

    private static func broken(_ what: String) -> RabbitMQError {
        RabbitMQError(.connectionLost, "the broker's frames are out of order: \(what)")
    }

    private mutating func method(
        _ method: amqp_method_t, _ connection: AMQPConnection
    ) throws(RabbitMQError) -> Incoming {
        switch Int(method.id) {
        case MaillageBasicDeliver:
            let deliver = method.decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            content.begin(
                tag: deliver.delivery_tag, isRedelivered: deliver.redelivered != 0,
                exchange: UnsafeRawBufferPointer(deliver.exchange),
                routingKey: UnsafeRawBufferPointer(deliver.routing_key))
            step = .header
            return .nothing
        case MaillageBasicAck:
            let ack = method.decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            countForRelease(connection)
            return .acknowledged(tag: ack.delivery_tag, multiple: ack.multiple != 0)
        case MaillageBasicNack:
            let nack = method.decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            countForRelease(connection)
            return .rejected(tag: nack.delivery_tag, multiple: nack.multiple != 0)
        case MaillageBasicReturn:
            let notice = method.decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            returned = (Int(notice.reply_code), String(notice.reply_text))
            step = .header
            return .nothing
        case MaillageBasicCancel:
            return .cancelled
        case MaillageBasicCancelOk:
            return .unsubscribed
        case MaillageChannelClose:
            let error = RabbitMQError(closing: method, while: "the broker closed the channel")
            try connection.confirmChannelClosed()
            return .channelClosed(error)
        default:
            return .nothing
        }
    }

    /// What concerns the connection as a whole comes on channel 0; frames of any other channel are none of ours.
    private func connectionFrame(
        _ frame: amqp_frame_t, _ connection: AMQPConnection
    ) throws(RabbitMQError) -> Incoming {
        defer { connection.releaseConnectionFrames() }
        guard Int32(frame.frame_type) == AMQP_FRAME_METHOD, frame.channel == 0 else { return .nothing }
        let method = frame.payload.method
        switch Int(method.id) {
        case MaillageConnectionBlocked:
            let blocked = method.decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            return .blocked(reason: String(blocked.reason))
        case MaillageConnectionUnblocked:
            return .unblocked
        case MaillageConnectionClose:
            let error = RabbitMQError(closing: method, while: "the broker closed the connection")
            connection.confirmClosed()
            throw error
        default:
            return .nothing
        }
    }

    private mutating func header(_ raw: UnsafeRawBufferPointer) {
        guard returned != nil else { return content.header(raw) }
        returnedID = MessageProperties(decoding: raw).messageID
    }

    private mutating func finish(_ connection: AMQPConnection) -> Incoming {
        step = .method
        countForRelease(connection)
        guard let returned else {
            content.finish()
            return .delivery
        }
        self.returned = nil
        return .returned(messageID: returnedID, code: returned.code, reason: returned.reason)
    }

    /// Decoded frames live in the library's pool until they are released, which may only happen between messages.
    private mutating func countForRelease(_ connection: AMQPConnection) {
        unreleased += 1
        guard unreleased >= Self.messagesPerRelease else { return }
        unreleased = 0
        connection.releaseFrames()
    }
}
