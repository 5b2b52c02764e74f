import ConnectionLoop
import DequeModule
package import Logging

/// Publishes with confirms, over a connection of its own: an alarm stops publishing connections only.
///
/// Calls are pipelined in the order they came, under one window of unconfirmed messages. The connection is made with
/// the first call and kept, again and again, until ``close()``.
package actor RabbitPublisher {
    /// Messages that are written in one go, behind one drain of the confirms.
    private static let chunkCountMax = 50
    private static let chunkBytesMax = 256 << 10
    private static let writeTimeMin = Duration.milliseconds(50)
    /// Frames read before jobs get their turn.
    private static let framesPerTurn = 2_000

    private nonisolated let loop = LoopExecutor()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let configuration: RabbitMQConfiguration
    private let link: BrokerLink
    private let logger: Logger
    private let chunkCount: Int
    private var metrics: PublisherMetrics
    private var reader = FrameReader()
    private var window: PublishWindow
    /// Calls with messages to write.
    private var queue: Deque<PublishCall> = []
    /// Calls that wait for an outcome.
    private var waiting: [PublishCall] = []
    private var watched: Int32 = -1
    private var isStarted = false
    private var isClosed = false

    /// Whether the broker has told us to stop, for want of memory or disk. Calls wait meanwhile.
    package private(set) var isBlocked = false

    /// - Parameter windowMax: how many messages may be unconfirmed, 1 … 10,000. Measured on a quorum queue: from 100
    ///   on it is as fast as it gets, 1 is sixty times slower. On a loaded machine, where a confirm takes 0.1 s, a
    ///   window of 200 is no more than 2,000 a second.
    package init(configuration: RabbitMQConfiguration, windowMax: Int = 200, logger: Logger) {
        let countMax = min(max(windowMax, 1), 10_000)
        self.configuration = configuration
        self.logger = logger
        link = BrokerLink(configuration: configuration, purpose: .publishing, logger: logger)
        window = PublishWindow(countMax: countMax)
        chunkCount = min(Self.chunkCountMax, max(1, countMax / 4))
        metrics = PublisherMetrics(connection: configuration.connectionName)
    }

    isolated deinit {
        loop.detach()
        link.close()
        loop.stop()
    }

    /// Whether messages can be sent now.
    package var isConnected: Bool { link.isOpen }

    /// Publishes the messages and waits until each has an outcome, at most until the deadline.
    ///
    /// Cancelling the task does not cut the wait short: what was written may be on disk, and only the confirm tells.
    /// - Parameter deadline: for all of them, connecting included. A write that the broker does not take ends then too,
    ///   with the connection.
    /// - Returns: the outcomes in the messages' order.
    package func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        guard !isClosed else { return messages.map { _ in .unknown("not sent: the publisher is closed") } }
        start()
        return await withCheckedContinuation { continuation in
            let call = PublishCall(messages, deadline: .now() + deadline, continuation: continuation)
            queue.append(call)
            waiting.append(call)
        }
    }

    /// Ends the connection. Calls that still wait are answered with `.unknown`.
    package func close() async {
        guard !isClosed else { return }
        isClosed = true
        settleWindow(.unknown("the publisher was closed before the confirm"))
        expire { _ in true }
        metrics.flush(outstanding: 0, isBlocked: false)
        loop.detach()
        await withCheckedContinuation { continuation in
            link.close { continuation.resume() }
        }
    }

    // MARK: The loop

    private func start() {
        guard !isStarted else { return }
        isStarted = true
        link.start()
        watch()
    }

    private func watch() {
        guard !isClosed else { return }
        watched = link.descriptor
        loop.attach(descriptor: watched) { [weak self] in
            self?.assumeIsolated { $0.turn() } ?? -1
        }
    }

    private func turn() -> Int32 {
        guard !isClosed else { return -1 }
        let now = Moment.now()
        if case .opened = link.advance(at: now) { reader.reset() }
        expire { $0.deadline <= now }
        var mustComeBack = false
        if let connection = link.connection {
            do {
                mustComeBack = try exchange(with: connection, at: now)
            } catch {
                lose(error)
            }
        }
        metrics.flush(outstanding: window.outstanding, isBlocked: isBlocked)
        if watched != link.descriptor { watch() }
        if mustComeBack { return 0 }
        let wakesAt = waiting.reduce(link.wakesAt) { min($0, $1.deadline) }
        return wakesAt == .distantFuture ? -1 : wakesAt.milliseconds(from: .now())
    }

    /// Reads confirms and writes messages, in turns: reads come first, always.
    /// - Returns: whether there is more to do at once.
    private func exchange(with connection: AMQPConnection, at now: Moment) throws(RabbitMQError) -> Bool {
        var framesLeft = Self.framesPerTurn
        while true {
            while let incoming = try reader.next(from: connection) {
                handle(incoming)
                guard link.isOpen else { return true }
                framesLeft -= 1
                if framesLeft == 0 { return true }
            }
            guard !isBlocked, let call = firstUnsent(), window.room >= min(chunkCount, call.messages.count - call.next)
            else { break }
            guard connection.socket.isWritable else {
                loop.wait(for: [.read, .write])
                return false
            }
            let now = Moment.now()
            guard call.deadline > now else { return true }
            // A little longer than a deadline that is almost here: a healthy connection must not be cut for it.
            let deadline = max(call.deadline, now + Self.writeTimeMin)
            try writeChunk(to: connection, until: min(deadline, now + configuration.operationTimeout))
        }
        loop.wait(for: .read)
        try connection.beat(at: now)
        return false
    }

    private func firstUnsent() -> PublishCall? {
        while let call = queue.first {
            if call.hasUnsent && !call.isFinished { return call }
            queue.removeFirst()
        }
        return nil
    }

    private func writeChunk(to connection: AMQPConnection, until deadline: Moment) throws(RabbitMQError) {
        try connection.corked(until: deadline) { () throws(RabbitMQError) in
            var (countLeft, bytes) = (min(chunkCount, window.room), 0)
            while countLeft > 0, bytes < Self.chunkBytesMax, let call = firstUnsent() {
                let index = call.next
                call.next += 1
                let message = call.messages[index]
                if let refusal = AMQPConnection.refusal(of: message) {
                    settle(call, index, refusal)
                    continue
                }
                // Noted before it is written: a message that was cut while it was written is unknown as well.
                window.append(call, index)
                try connection.publish(message)
                countLeft -= 1
                bytes += message.body.count
            }
        }
    }

    private func handle(_ incoming: FrameReader.Incoming) {
        switch incoming {
        case .nothing, .cancelled, .unsubscribed: break
        case .delivery: reader.content.reset()
        case .acknowledged(let tag, let multiple):
            link.noteProgress()
            window.settle(tag, multiple: multiple) { settle($0.call, $0.index, $0.returned ?? .confirmed) }
        case .rejected(let tag, let multiple):
            link.noteProgress()
            window.settle(tag, multiple: multiple) { settle($0.call, $0.index, $0.returned ?? .nacked) }
        case .returned(let messageID, let code, let reason):
            if !window.markReturned(messageID: messageID, code: code, reason: reason) {
                logger.warning("the broker returned a message that is not out")
            }
        case .blocked(let reason):
            isBlocked = true
            logger.warning("the broker blocks publishers", metadata: ["reason": "\(reason)"])
        case .unblocked:
            isBlocked = false
            logger.info("the broker takes messages again")
        case .channelClosed(let error):
            // 404 for a missing exchange arrives after the messages behind it were written: nobody knows about any of
            // them.
            settleWindow(.unknown(error.reason))
            link.channelClosed(error)
        }
    }

    private func lose(_ error: RabbitMQError) {
        isBlocked = false
        settleWindow(.unknown(error.reason))
        link.lose(error)
    }

    // MARK: Outcomes

    private func settle(_ call: PublishCall, _ index: Int, _ outcome: PublishOutcome) {
        if call.settle(index, outcome) { metrics.count(outcome) }
        if call.isFinished { waiting.removeAll { $0 === call } }
    }

    private func settleWindow(_ outcome: PublishOutcome) {
        window.reset { settle($0.call, $0.index, $0.returned ?? outcome) }
    }

    private func expire(_ isDue: (PublishCall) -> Bool) {
        guard waiting.contains(where: isDue) else { return }
        let reason =
            if isClosed {
                "the publisher was closed"
            } else if isBlocked {
                "the broker blocks publishers"
            } else {
                link.lastError?.reason ?? "too many messages are unconfirmed"
            }
        for call in waiting where isDue(call) {
            metrics.count(.unknown(""), times: call.expire(unsent: "not sent: \(reason)"))
        }
        waiting.removeAll(where: isDue)
    }
}
