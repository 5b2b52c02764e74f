import Logging
import Metrics

/// What the one channel of a connection is for.
enum ChannelPurpose: Sendable {
    case publishing
    case consuming(queue: String)

    var name: String {
        switch self {
        case .publishing: "publisher"
        case .consuming(let queue): "consumer of \(queue)"
        }
    }
}

/// The life of one connection and its channel: attempts with back-off for ever, the channel's renewal while the
/// connection stays, one warning per episode of trouble. Belongs to an actor, which calls ``advance(at:)`` in each turn
/// of its loop.
final class BrokerLink {
    enum Event {
        /// A new channel is ready; nothing of an older one is valid.
        case opened
        /// An attempt failed; the next is scheduled.
        case failed(RabbitMQError)
    }

    private enum State {
        case idle
        case waiting(until: Moment)
        case working(LinkWork, until: Moment, then: AfterWork)
        case open(AMQPConnection, since: Moment)
        /// Connected without a channel: the queue is missing, or the channel was given up.
        case paused(AMQPConnection, until: Moment)
        case closed
    }
    private enum AfterWork { case open, pause(Duration) }

    /// A connection that lived this long was sound: the next trouble starts with short delays again.
    private static let soundAfter = Duration.seconds(5)

    private let configuration: RabbitMQConfiguration
    private let purpose: ChannelPurpose
    private let logger: Logger
    private let reconnects: Counter
    private var state = State.idle
    /// Short even after an hour: a broker that is back must have its clients within five seconds.
    private var backoff = Backoff(longest: .seconds(2))
    private var isInTrouble = false
    private var wasOpen = false
    private var attempts = 0
    /// Why there is no channel; for those who wait in vain.
    private(set) var lastError: RabbitMQError?

    init(configuration: RabbitMQConfiguration, purpose: ChannelPurpose, logger: Logger) {
        self.configuration = configuration
        self.purpose = purpose
        var logger = logger
        logger[metadataKey: "connection"] = "\(configuration.connectionName)"
        self.logger = logger
        reconnects = Counter(
            label: "rabbitmq_reconnects_total", dimensions: [("connection", configuration.connectionName)])
    }

    /// The connection whose channel is ready, which the caller may use until it calls a method that ends that.
    var connection: AMQPConnection? {
        guard case .open(let connection, _) = state else { return nil }
        return connection
    }

    var isOpen: Bool { connection != nil }

    /// What the loop must watch; -1 for nothing.
    var descriptor: Int32 {
        switch state {
        case .idle, .waiting, .closed: -1
        case .working(let work, _, _): work.descriptor
        case .open(let connection, _), .paused(let connection, _): connection.socket.descriptor
        }
    }

    /// When ``advance(at:)`` is due at the latest.
    var wakesAt: Moment {
        switch state {
        case .idle, .closed: .distantFuture
        case .waiting(let until), .working(_, let until, _): until
        case .open: .now() + configuration.heartbeat / 4
        case .paused(_, let until): min(until, .now() + configuration.heartbeat / 4)
        }
    }

    func start() {
        guard case .idle = state else { return }
        connect()
    }

    /// Does what is due.
    func advance(at now: Moment) -> Event? {
        switch state {
        case .idle, .closed, .open: return nil
        case .waiting(let until):
            if now >= until { connect() }
            return nil
        case .working(let work, let until, let next):
            if let outcome = work.take() { return settle(outcome, next, at: now) }
            guard now >= until else { return nil }
            work.abandon()
            return fail(RabbitMQError(.deadlineExceeded, "the broker or the name server does not answer"), nil, at: now)
        case .paused(let connection, let until):
            return advancePaused(connection, until: until, at: now)
        }
    }

    private func advancePaused(_ connection: AMQPConnection, until: Moment, at now: Moment) -> Event? {
        do {
            var reader = FrameReader()
            while try reader.next(from: connection) != nil {}
            try connection.beat(at: now)
        } catch {
            return fail(error, nil, at: now)
        }
        if now >= until { prepareChannel(on: connection) }
        return nil
    }

    // MARK: What ends a channel

    /// The connection is over.
    func lose(_ error: RabbitMQError) {
        guard case .open(_, let since) = state else { return }
        if since + Self.soundAfter <= .now() { backoff.reset() }
        _ = fail(error, nil, at: .now())
    }

    /// The broker closed the channel; the connection stays.
    func channelClosed(_ error: RabbitMQError) {
        guard case .open(let connection, let since) = state else { return }
        if since + Self.soundAfter <= .now() { backoff.reset() }
        _ = fail(error, connection, at: .now())
    }

    /// Closes the channel, so that the broker takes back what is unacknowledged, and opens another after the delay.
    func renewChannel(after delay: Duration, because error: RabbitMQError) {
        guard case .open(let connection, _) = state else { return }
        note(error)
        let work = LinkWork.start(on: connection) { connection throws(RabbitMQError) in
            try connection.closeChannel()
        }
        state = .working(work, until: overdue(), then: .pause(delay))
    }

    /// Ends the link for good and says goodbye to the broker.
    /// - Parameter completion: called on another thread, or at once when there is nobody to say goodbye to.
    func close(_ completion: @escaping @Sendable () -> Void = {}) {
        let former = state
        state = .closed
        switch former {
        case .idle, .waiting, .closed: completion()
        case .working(let work, _, _):
            work.abandon()
            completion()
        case .open(let connection, _), .paused(let connection, _):
            let started = BlockingThread.start {
                connection.close(within: .seconds(1))
                completion()
            }
            if !started { completion() }
        }
    }

    /// The channel does what it is for: the next trouble starts with short delays again.
    func noteProgress() {
        if backoff.attempts > 0 { backoff.reset() }
    }

    // MARK: Attempts

    private func overdue() -> Moment {
        // Each step has its own shorter timeout; only a name server that does not answer reaches this one.
        .now() + configuration.connectTimeout * (configuration.endpoints.count + 1) + configuration.operationTimeout * 3
    }

    private func connect() {
        let (configuration, purpose, first) = (configuration, purpose, attempts)
        attempts += 1
        let work = LinkWork.start { () throws(RabbitMQError) in
            let connection = try AMQPConnection.open(configuration, startingAt: first)
            try connection.prepareChannel(for: purpose)
            return connection
        }
        state = .working(work, until: overdue(), then: .open)
    }

    private func prepareChannel(on connection: AMQPConnection) {
        let purpose = purpose
        let work = LinkWork.start(on: connection) { connection throws(RabbitMQError) in
            try connection.prepareChannel(for: purpose)
        }
        state = .working(work, until: overdue(), then: .open)
    }

    private func settle(_ outcome: LinkWork.Outcome, _ next: AfterWork, at now: Moment) -> Event? {
        switch (outcome, next) {
        case (.failed(let error, let survivor), _):
            return fail(error, survivor, at: now)
        case (.ready(let connection), .pause(let delay)):
            state = .paused(connection, until: now + delay)
            return nil
        case (.ready(let connection), .open):
            state = .open(connection, since: now)
            if wasOpen { reconnects.increment() }
            if isInTrouble { logger.info("the \(purpose.name) is connected again") }
            (wasOpen, isInTrouble, lastError) = (true, false, nil)
            return .opened
        }
    }

    private func fail(_ error: RabbitMQError, _ survivor: AMQPConnection?, at now: Moment) -> Event {
        let retryAt = now + backoff.next()
        note(error)
        if let survivor {
            state = .paused(survivor, until: retryAt)
        } else {
            state = .waiting(until: retryAt)
        }
        return .failed(error)
    }

    /// A broker that is down for an hour is one warning, not thousands.
    private func note(_ error: RabbitMQError) {
        lastError = error
        let level: Logger.Level = isInTrouble ? .debug : .warning
        isInTrouble = true
        logger.log(
            level: level, "the \(purpose.name) has no channel and tries again until it has",
            metadata: ["reason": "\(error)"])
    }
}

extension AMQPConnection {
    /// Opens the channel and makes it ready for its purpose. Blocks.
    func prepareChannel(for purpose: ChannelPurpose) throws(RabbitMQError) {
        try openChannel()
        switch purpose {
        case .publishing: try selectConfirms()
        case .consuming(let queue): try consume(queue: queue, prefetch: CrashIsolation.firstPrefetch)
        }
    }
}
