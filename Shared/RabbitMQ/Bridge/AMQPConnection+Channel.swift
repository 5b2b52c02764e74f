import CRabbitMQ

/// The one channel: questions to the broker, and frames.
extension AMQPConnection {
    // MARK: Questions. Block until the broker answered, at most the operation timeout.

    func ask(_ action: String, _ question: (amqp_connection_state_t) -> Void) throws(RabbitMQError) {
        let failure = try guarded { () throws(RabbitMQError) -> RabbitMQError? in
            question(state)
            let failure = RabbitMQError(amqp_get_rpc_reply(state), while: action)
            if let failure, failure.leavesConnectionOpen { try confirmChannelClosed() }
            return failure
        }
        lastSent = .now()
        if let failure { throw failure }
    }

    func openChannel() throws(RabbitMQError) {
        try ask("opening a channel") { amqp_channel_open($0, Self.channel) }
    }

    func selectConfirms() throws(RabbitMQError) {
        try ask("asking for confirms") { amqp_confirm_select($0, Self.channel) }
    }

    /// Subscribes for the first time; at most `prefetch` deliveries are unacknowledged at a time.
    func consume(queue: String, prefetch: UInt16) throws(RabbitMQError) {
        try withTexts([queue, Self.consumerTag(0)]) { (texts, _) throws(RabbitMQError) in
            try ask("limiting deliveries") { amqp_basic_qos($0, Self.channel, 0, prefetch, 0) }
            try ask("consuming \(queue)") {
                amqp_basic_consume($0, Self.channel, texts[0], texts[1], 0, 0, 0, amqp_empty_table)
            }
        }
    }

    private static func consumerTag(_ subscription: Int) -> String { "maillage-\(subscription)" }

    /// Lends copies of texts, and a table, that stay where they are during the closure.
    func withTexts<R>(
        _ texts: [String], _ headers: [(String, HeaderValue)] = [],
        _ body: ([amqp_bytes_t], amqp_table_t) throws(RabbitMQError) -> R
    ) throws(RabbitMQError) -> R {
        guard texts.allSatisfy({ $0.utf8.count <= 255 }) else {
            throw RabbitMQError(.configuration, "a name is longer than 255 bytes")
        }
        arena.begin(
            byteCount: texts.reduce(MessageArena.byteCount(headers)) { $0 + $1.utf8.count }, entryCount: headers.count)
        var copies: [amqp_bytes_t] = []
        for text in texts { copies.append(arena.copy(text)) }
        return try body(copies, arena.table(headers))
    }

    /// Closes the channel: what it has unacknowledged returns to the queue, in order. Deliveries that were on their way
    /// are dropped here, so that they are not taken for those of the next channel.
    func closeChannel() throws(RabbitMQError) {
        let reply = try guarded { () throws(RabbitMQError) in
            amqp_channel_close(state, Self.channel, 200)
        }
        if let error = RabbitMQError(reply, while: "closing the channel") { throw error }
        var frame = amqp_frame_t()
        while amqp_frames_enqueued(state) != 0 { _ = try nextFrame(&frame) }
        amqp_maybe_release_buffers_on_channel(state, Self.channel)
    }

    /// Says goodbye within the time, which also ends a channel in order.
    func close(within time: Duration) {
        var timeout = timeval(time)
        amqp_set_rpc_timeout(state, &timeout)
        _ = try? guarded(until: .now() + time + time) { () throws(RabbitMQError) in amqp_connection_close(state, 200) }
    }

    // MARK: Frames. None of these waits for the broker to answer.

    /// - Returns: false when no complete frame is there.
    /// - Throws: when the connection is over; the library also notices the broker's silence here.
    func nextFrame(_ frame: inout amqp_frame_t) throws(RabbitMQError) -> Bool {
        var noWait = timeval(tv_sec: 0, tv_usec: 0)
        let status = amqp_simple_wait_frame_noblock(state, &frame, &noWait)
        if status == AMQP_STATUS_OK.rawValue { return true }
        if status == AMQP_STATUS_TIMEOUT.rawValue { return false }
        throw RabbitMQError(status: status, while: "reading")
    }

    /// Frees the decoded frames; call it between messages only.
    func releaseFrames() { amqp_maybe_release_buffers_on_channel(state, Self.channel) }
    func releaseConnectionFrames() { amqp_maybe_release_buffers_on_channel(state, 0) }

    /// The answer that `channel.close` asks for.
    func confirmChannelClosed() throws(RabbitMQError) {
        var answer = amqp_channel_close_ok_t()
        try send("closing the channel", channel: Self.channel, MaillageChannelCloseOk, &answer)
    }

    /// The answer that `connection.close` asks for; the connection is over either way.
    func confirmClosed() {
        var answer = amqp_connection_close_ok_t()
        try? send("closing", channel: 0, MaillageConnectionCloseOk, &answer)
    }

    private func send(
        _ action: String, channel: amqp_channel_t, _ method: Int, _ content: UnsafeMutableRawPointer
    ) throws(RabbitMQError) {
        let status = try guarded { () throws(RabbitMQError) in
            amqp_send_method(state, channel, amqp_method_number_t(method), content)
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(status: status, while: action) }
    }

    /// Subscribes again with another limit. The broker's refusal comes as the channel's end.
    func requestConsume(queue: String, prefetch: UInt16, subscription: Int) throws(RabbitMQError) {
        var limit = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: prefetch, global: 0)
        try send("limiting deliveries", channel: Self.channel, MaillageBasicQos, &limit)
        try withTexts([queue, Self.consumerTag(subscription)]) { (texts, _) throws(RabbitMQError) in
            var request = amqp_basic_consume_t()
            request.queue = texts[0]
            request.consumer_tag = texts[1]
            try send("consuming \(queue)", channel: Self.channel, MaillageBasicConsume, &request)
        }
        lastSent = .now()
    }

    /// Ends a subscription; what came through it may still be acknowledged.
    func requestCancel(subscription: Int) throws(RabbitMQError) {
        try withTexts([Self.consumerTag(subscription)]) { (texts, _) throws(RabbitMQError) in
            var request = amqp_basic_cancel_t()
            request.consumer_tag = texts[0]
            try send("ending a subscription", channel: Self.channel, MaillageBasicCancel, &request)
        }
        lastSent = .now()
    }

    /// Acknowledges every delivery up to the tag.
    func acknowledge(upTo tag: UInt64) throws(RabbitMQError) {
        let status = try guarded { () throws(RabbitMQError) in amqp_basic_ack(state, Self.channel, tag, 1) }
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(status: status, while: "acknowledging") }
        lastSent = .now()
    }

    /// Writes a heartbeat when nothing was written for half of one. The library does so too, but only when it reads and
    /// twice as late.
    func beat(at now: Moment) throws(RabbitMQError) {
        guard now >= lastSent + heartbeat / 2, socket.isWritable else { return }
        lastSent = now
        var frame = amqp_frame_t()
        frame.frame_type = UInt8(AMQP_FRAME_HEARTBEAT)
        let status = amqp_send_frame(state, &frame)
        guard status == AMQP_STATUS_OK.rawValue else {
            throw RabbitMQError(status: status, while: "sending a heartbeat")
        }
    }
}
