import CRabbitMQ
import FoundationEssentials
import Glibc

/// The owner of one connection of librabbitmq, with one channel.
///
/// One channel per connection, because the library may drop frames of another channel while it waits for an answer.
// Unchecked because the library's state may be used by any thread but only by one at a time: a `BrokerLink` hands the
// connection to the thread of a `LinkWork` and does not touch it until it comes back.
final class AMQPConnection: @unchecked Sendable {
    static let channel: amqp_channel_t = 1
    /// Header tables must fit in a frame, beside the other properties.
    static let propertyBytesMax = 100_000

    let state: amqp_connection_state_t
    let socket: SocketGuard
    private let heartbeat: Duration
    let operationTimeout: Duration
    private var lastSent: Moment
    private var arena = MessageArena()

    private init(state: amqp_connection_state_t, socket: SocketGuard, configuration: RabbitMQConfiguration) {
        self.state = state
        self.socket = socket
        heartbeat = configuration.heartbeat
        operationTimeout = configuration.operationTimeout
        lastSent = .now()
    }

    deinit {
        SocketWatchdog.shared.disarm(socket)
        amqp_destroy_connection(state)
    }

    // MARK: Opening. Blocks.

    /// Connects to the first node that answers and logs in.
    /// - Parameter startingAt: which of the configured nodes is tried first.
    static func open(
        _ configuration: RabbitMQConfiguration, startingAt first: Int = 0, withHeartbeat: Bool = true
    ) throws(RabbitMQError) -> AMQPConnection {
        var failure = RabbitMQError(.configuration, "no broker is configured")
        for offset in configuration.endpoints.indices {
            let endpoint = configuration.endpoints[(first + offset) % configuration.endpoints.count]
            do {
                return try open(configuration, at: endpoint, withHeartbeat: withHeartbeat)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func open(
        _ configuration: RabbitMQConfiguration, at endpoint: RabbitMQConfiguration.Endpoint, withHeartbeat: Bool
    ) throws(RabbitMQError) -> AMQPConnection {
        let deadline = Moment.now() + configuration.connectTimeout
        let addresses = try HostAddresses.resolve(endpoint)
        var failure = RabbitMQError(.connectionRefused, "\(endpoint.description) has no address")
        for (index, address) in addresses.enumerated() {
            // A node that swallows packets must leave time for the addresses behind it.
            let share = deadline.remaining(from: .now()) / (addresses.count - index)
            do {
                let state = try connect(to: address, endpoint: endpoint, within: share)
                return try logIn(state, configuration, until: deadline, withHeartbeat: withHeartbeat)
            } catch {
                failure = error.about(endpoint.description)
                if error.code == .authenticationFailed { throw failure }
            }
        }
        throw failure
    }

    private static func connect(
        to address: String, endpoint: RabbitMQConfiguration.Endpoint, within time: Duration
    ) throws(RabbitMQError) -> amqp_connection_state_t {
        guard let state = amqp_new_connection() else { throw RabbitMQError(.connectionLost, "out of memory") }
        guard let socket = amqp_tcp_socket_new(state) else {
            amqp_destroy_connection(state)
            throw RabbitMQError(.connectionLost, "out of memory")
        }
        var timeout = timeval(time)
        let status = address.withCString { amqp_socket_open_noblock(socket, $0, Int32(endpoint.port), &timeout) }
        guard status == AMQP_STATUS_OK.rawValue else {
            amqp_destroy_connection(state)
            let isLate = status == AMQP_STATUS_TIMEOUT.rawValue
            throw RabbitMQError(
                isLate ? .deadlineExceeded : .connectionRefused, isLate ? "no answer in time" : "nothing listens there")
        }
        return state
    }

    private static func logIn(
        _ state: amqp_connection_state_t, _ configuration: RabbitMQConfiguration, until deadline: Moment,
        withHeartbeat: Bool
    ) throws(RabbitMQError) -> AMQPConnection {
        guard let socket = SocketGuard(of: amqp_get_sockfd(state)) else {
            amqp_destroy_connection(state)
            throw RabbitMQError(.connectionLost, "no descriptor left: raise the limit of open files")
        }
        // From here on the connection's deinit frees the state.
        let connection = AMQPConnection(state: state, socket: socket, configuration: configuration)
        var handshakeTimeout = timeval(max(deadline.remaining(from: .now()), .milliseconds(10)))
        amqp_set_handshake_timeout(state, &handshakeTimeout)
        var questionTimeout = timeval(configuration.operationTimeout)
        amqp_set_rpc_timeout(state, &questionTimeout)
        // The kernel's own net, below the heartbeats: a peer that acknowledges no byte.
        let silence = max(configuration.heartbeat * 2, configuration.operationTimeout)
        _ = maillage_bound_silence(socket.descriptor, UInt32(clamping: silence.nanoseconds / 1_000_000))
        let heartbeat = withHeartbeat ? configuration.heartbeatSeconds : 0
        let reply = try connection.guarded(until: deadline) { () throws(RabbitMQError) in
            connection.arena.begin(byteCount: configuration.connectionName.utf8.count, entryCount: 0)
            let name = connection.arena.copy(configuration.connectionName)
            return configuration.virtualHost.withCString { virtualHost in
                configuration.user.withCString { user in
                    configuration.password.withCString { password in
                        maillage_login(state, virtualHost, heartbeat, name, user, password)
                    }
                }
            }
        }
        if let error = RabbitMQError(reply, while: "logging in") { throw error }
        return connection
    }

    // MARK: Deadlines

    /// Runs what may wait for the socket for ever; at the deadline the watchdog shuts the socket down, which ends it.
    func guarded<R>(until deadline: Moment, _ body: () throws(RabbitMQError) -> R) throws(RabbitMQError) -> R {
        SocketWatchdog.shared.arm(socket, until: deadline)
        defer { SocketWatchdog.shared.disarm(socket) }
        do {
            return try body()
        } catch {
            guard socket.hasFired else { throw error }
            throw RabbitMQError(.deadlineExceeded, "the broker took no more bytes in time")
        }
    }

    private func guarded<R>(_ body: () throws(RabbitMQError) -> R) throws(RabbitMQError) -> R {
        try guarded(until: .now() + operationTimeout, body)
    }

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

    /// Subscribes; at most `prefetch` deliveries are unacknowledged at a time.
    func consume(queue: String, prefetch: UInt16) throws(RabbitMQError) {
        arena.begin(byteCount: queue.utf8.count, entryCount: 0)
        let name = arena.copy(queue)
        try ask("limiting deliveries") { amqp_basic_qos($0, Self.channel, 0, prefetch, 0) }
        try ask("consuming \(queue)") {
            amqp_basic_consume($0, Self.channel, name, amqp_empty_bytes, 0, 0, 0, amqp_empty_table)
        }
    }

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

    /// Closes the channel: what it has unacknowledged returns to the queue, in order. Deliveries that were on their way are
    /// dropped here, so that they are not taken for those of the next channel.
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
        let status = amqp_send_method(state, channel, amqp_method_number_t(method), content)
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(status: status, while: action) }
    }

    /// Acknowledges every delivery up to the tag.
    func acknowledge(upTo tag: UInt64) throws(RabbitMQError) {
        let status = try guarded { () throws(RabbitMQError) in amqp_basic_ack(state, Self.channel, tag, 1) }
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(status: status, while: "acknowledging") }
        lastSent = .now()
    }

    /// Writes a heartbeat when nothing was written for half of one. The library does so too, but only when it reads and twice as
    /// late.
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

    // MARK: Publishing

    /// Writes the messages of a chunk as few segments. Read everything that is there first: 0.11 waits for ever in a publish
    /// when the time for the broker's heartbeat is past.
    func corked(until deadline: Moment, _ body: () throws(RabbitMQError) -> Void) throws(RabbitMQError) {
        _ = maillage_cork(socket.descriptor, 1)
        defer { _ = maillage_cork(socket.descriptor, 0) }
        try guarded(until: deadline, body)
        lastSent = .now()
    }

    /// Nil when the message can be sent; otherwise why not. Checked before, because the library finds out between two frames
    /// of the message and leaves the channel broken.
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

extension timeval {
    init(_ duration: Duration) {
        let microseconds = duration.nanoseconds / 1_000
        self.init(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    }
}
