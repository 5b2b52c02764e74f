import CRabbitMQ
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
    let heartbeat: Duration
    let operationTimeout: Duration
    var lastSent: Moment
    var arena = MessageArena()

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
        // With TLS the library must know the name, to compare it with the certificate's; it tries the addresses itself.
        let addresses = configuration.tls == nil ? try HostAddresses.resolve(endpoint) : [endpoint.host]
        var failure = RabbitMQError(.connectionRefused, "\(endpoint.description) has no address")
        for (index, address) in addresses.enumerated() {
            // A node that swallows packets must leave time for the addresses behind it.
            let share = deadline.remaining(from: .now()) / (addresses.count - index)
            do {
                let state = try connect(to: address, port: endpoint.port, tls: configuration.tls, within: share)
                return try logIn(state, configuration, until: deadline, withHeartbeat: withHeartbeat)
            } catch {
                failure = error.about(endpoint.description)
                if error.code == .authenticationFailed { throw failure }
            }
        }
        throw failure
    }

    private static func connect(
        to address: String, port: UInt16, tls: RabbitMQTLS?, within time: Duration
    ) throws(RabbitMQError) -> amqp_connection_state_t {
        guard let state = amqp_new_connection() else { throw RabbitMQError(.connectionLost, "out of memory") }
        do throws(RabbitMQError) {
            let socket = if let tls { try tlsSocket(state, tls) } else { amqp_tcp_socket_new(state) }
            guard let socket else { throw RabbitMQError(.connectionLost, "out of memory") }
            var timeout = timeval(time)
            let status = address.withCString { amqp_socket_open_noblock(socket, $0, Int32(port), &timeout) }
            if let error = RabbitMQError(connecting: status) { throw error }
            return state
        } catch {
            amqp_destroy_connection(state)
            throw error
        }
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
                guard let credentials = configuration.credentials else {
                    return maillage_login_by_certificate(state, virtualHost, heartbeat, name)
                }
                return credentials.user.withCString { user in
                    credentials.password.withCString { password in
                        maillage_login(state, virtualHost, heartbeat, name, user, password)
                    }
                }
            }
        }
        if let error = RabbitMQError(loggingIn: reply, isSecure: configuration.tls != nil) {
            // The library's own limit is the same: either may be the first.
            guard socket.hasFired else { throw error }
            throw RabbitMQError(.deadlineExceeded, "no answer to the login in time")
        }
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

    func guarded<R>(_ body: () throws(RabbitMQError) -> R) throws(RabbitMQError) -> R {
        try guarded(until: .now() + operationTimeout, body)
    }

}

extension timeval {
    init(_ duration: Duration) {
        let microseconds = duration.nanoseconds / 1_000
        self.init(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    }
}
