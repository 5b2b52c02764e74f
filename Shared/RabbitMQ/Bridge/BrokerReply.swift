import CRabbitMQ

extension RabbitMQError {
    /// From a status of librabbitmq.
    init(status: Int32, while action: String) {
        let text = String(cString: amqp_error_string2(status))
        let code: Code =
            switch status {
            case AMQP_STATUS_TIMEOUT.rawValue: .deadlineExceeded
            case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue: .connectionRefused
            default: .connectionLost
            }
        self.init(code, "\(action): \(text)")
    }

    /// From the reply to a question; nil when it succeeded.
    init?(_ reply: amqp_rpc_reply_t, while action: String) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return nil
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: self.init(status: reply.library_error, while: action)
        case AMQP_RESPONSE_SERVER_EXCEPTION: self.init(closing: reply.reply, while: action)
        default: self.init(.connectionLost, "\(action): the broker ended the connection")
        }
    }

    /// From `channel.close` or `connection.close`.
    init(closing method: amqp_method_t, while action: String) {
        switch Int(method.id) {
        case MaillageChannelClose:
            let close = method.decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            self.init(
                replyCode: close.reply_code, text: String(close.reply_text), closesConnection: false, while: action)
        case MaillageConnectionClose:
            let close = method.decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            self.init(
                replyCode: close.reply_code, text: String(close.reply_text), closesConnection: true, while: action)
        default:
            self.init(.connectionLost, "\(action): the broker answered something else")
        }
    }

    private init(replyCode: UInt16, text: String, closesConnection: Bool, while action: String) {
        let code: Code =
            switch (closesConnection, replyCode) {
            case (true, 403), (true, 530): .authenticationFailed
            case (true, _): .connectionLost
            case (false, 403): .accessRefused
            case (false, 404): .notFound
            case (false, 406), (false, 405): .preconditionFailed
            case (false, _): .channelClosed
            }
        self.init(code, "\(action): \(replyCode) \(text)")
    }
}

extension String {
    /// Copies; bytes that are no UTF-8 are replaced.
    init(_ bytes: amqp_bytes_t) {
        self.init(decoding: UnsafeRawBufferPointer(bytes), as: UTF8.self)
    }
}

extension UnsafeRawBufferPointer {
    init(_ bytes: amqp_bytes_t) { self.init(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len) }
}
