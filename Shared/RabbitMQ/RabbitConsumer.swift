import ConnectionLoop
import DequeModule
package import Logging

/// Consumes one queue in batches, over a connection of its own, which is made with the first ``next()`` and again for
/// ever.
///
/// What is handed out and not acknowledged when the channel ends will be delivered again: handlers must recognise what
/// they did. Memory is bounded by the prefetch and the broker's `max_message_size`.
package actor RabbitConsumer {
    /// A batch of large messages is handed over before it is full.
    private static let batchBytesMax = 1 << 20
    private static let drainTime = Duration.seconds(5)

    private nonisolated let loop = LoopExecutor()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let queue: String
    private let batchCountMax: Int
    private let batchWait: Duration
    private let framesPerTurn: Int
    private let link: BrokerLink
    private let logger: Logger
    private let metrics: ConsumerMetrics
    private nonisolated let waiters: DeliveryWaiters

    private var reader = FrameReader()
    /// Counts channels; 0 is no channel's.
    private var generation = 0
    private var ledger = AcknowledgementLedger()
    private var isolation: CrashIsolation
    /// Counts the subscriptions of a channel; the first is made with it.
    private var subscriptionNumber = 0
    private var ready: Deque<DeliveryBatch> = []
    /// When the oldest message of the open batch came.
    private var openSince: Moment?
    private var abandonBackoff = Backoff(longest: .seconds(5))
    private var watched: Int32 = -1
    private var isStarted = false
    private var isClosed = false
    private var drainUntil: Moment?
    private var drained: [CheckedContinuation<Void, Never>] = []

    /// The broker sends at most `batchCountMax` × `batchesInFlight` (1 … 65,535) messages ahead of the
    /// acknowledgements, and fewer while some that were delivered before are out (``CrashIsolation``): then batches are
    /// handed out one at a time.
    /// - Parameters:
    ///   - batchWait: a batch that is not full is handed to a waiting handler when its oldest message is this old.
    ///   - batchesInFlight: with 2, the next batch is read while one is worked on; add one per further worker.
    package init(
        configuration: RabbitMQConfiguration, queue: String, batchCountMax: Int = 500,
        batchWait: Duration = .milliseconds(2), batchesInFlight: Int = 2, logger: Logger
    ) {
        self.queue = queue
        self.batchCountMax = min(max(batchCountMax, 1), 10_000)
        self.batchWait = batchWait
        let prefetch = UInt16(clamping: self.batchCountMax * min(max(batchesInFlight, 1), 1_000))
        isolation = CrashIsolation(batchCountMax: self.batchCountMax, prefetchMax: Int(prefetch))
        // A message is three frames or more.
        framesPerTurn = 4 * self.batchCountMax + 16
        self.logger = logger
        link = BrokerLink(configuration: configuration, purpose: .consuming(queue: queue), logger: logger)
        metrics = ConsumerMetrics(connection: configuration.connectionName, queue: queue)
        waiters = DeliveryWaiters { [loop] in loop.wakeUp() }
    }

    isolated deinit {
        loop.detach()
        waiters.end()
        link.close()
        loop.stop()
    }

    /// Whether the subscription stands.
    package var isConnected: Bool { link.isOpen }

    /// The next batch; several tasks may wait at once. A lost connection, a missing queue or a broker that is down only
    /// makes it wait.
    /// - Returns: nil once the consumer drains or is closed.
    package func next() async throws(CancellationError) -> DeliveryBatch? {
        guard !Task.isCancelled else { throw CancellationError() }
        guard drainUntil == nil, !isClosed else { return nil }
        start()
        if mayHandOver, let batch = ready.popFirst() {
            ledger.hand(batch.number)
            return batch
        }
        return try await waiters.wait()
    }

    /// The batch is done with. The broker is told as soon as all batches before it are done with too.
    package func acknowledge(_ batch: DeliveryBatch) async {
        guard batch.generation == generation, let connection = link.connection else { return }
        metrics.consumed(batch.count)
        guard let tag = ledger.finish(batch.number) else { return }
        isolation.settle(upTo: tag)
        abandonBackoff.reset()
        do {
            try connection.acknowledge(upTo: tag)
        } catch {
            lose(error)
        }
    }

    /// Whether the batch came through the channel that is open now; another one's messages come again.
    package func isCurrent(_ batch: DeliveryBatch) -> Bool { batch.generation == generation }

    /// The batch could not be handled. Everything that is not acknowledged goes back to the queue and comes again in
    /// order, after a delay that grows while no batch succeeds; other batches that are being worked on come again too.
    package func abandon(_ batch: DeliveryBatch) async {
        guard batch.generation == generation, link.isOpen else { return }
        metrics.abandoned()
        endChannel()
        link.renewChannel(
            after: abandonBackoff.next(), because: RabbitMQError(.channelClosed, "a batch was abandoned"))
    }

    /// Ends the subscription in order: hands out nothing more, waits until what was handed out is acknowledged, at most
    /// 5 s, and closes the channel, so that the rest goes back to the queue in its order.
    ///
    /// The subscription is not cancelled first, as is usual: RabbitMQ 3.10 would hand the queue to another consumer at
    /// once, while our handlers still work on what came before (measured).
    package func drain() async {
        guard !isClosed else { return }
        if drainUntil == nil { drainUntil = .now() + Self.drainTime }
        ready.removeAll()
        waiters.end()
        guard link.isOpen, ledger.outstanding > 0 else { return await close() }
        await withCheckedContinuation { drained.append($0) }
        await close()
    }

    /// Ends the connection at once; what is not acknowledged goes back to the queue.
    package func close() async {
        guard !isClosed else { return }
        isClosed = true
        endChannel()
        waiters.end()
        releaseDrained()
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
        if case .opened = link.advance(at: now) { beginChannel() }
        var mustComeBack = false
        if let connection = link.connection {
            do {
                mustComeBack = try receive(from: connection)
                try adjustSubscription()
                try link.connection?.beat(at: now)
            } catch {
                lose(error)
            }
        }
        handOver()
        endDrain(at: now)
        if watched != link.descriptor { watch() }
        if mustComeBack { return 0 }
        return sleepTime()
    }

    private func sleepTime() -> Int32 {
        var wakesAt = min(link.wakesAt, drainUntil ?? .distantFuture)
        // Milliseconds are the finest that poll knows, and a waiting handler costs no more than one.
        // What waits for an acknowledgement is handed out by the turn that follows it.
        if let openSince, ready.isEmpty, mayHandOver, !waiters.isEmpty {
            wakesAt = min(wakesAt, openSince + batchWait)
        }
        return wakesAt == .distantFuture ? -1 : wakesAt.milliseconds(from: .now())
    }

    /// Reads what is there, at most two batches, so that acknowledgements get their turn.
    /// - Returns: whether more may be there.
    private func receive(from connection: AMQPConnection) throws(RabbitMQError) -> Bool {
        var framesLeft = framesPerTurn
        while framesLeft > 0 {
            guard let incoming = try reader.next(from: connection) else { return false }
            framesLeft -= 1
            switch incoming {
            case .delivery:
                noteDelivery()
            case .unsubscribed:
                isolation.cancelled()
            case .cancelled:
                metrics.cancelled()
                endChannel()
                let error = RabbitMQError(.notFound, "the broker cancelled the subscription to \(queue)")
                link.renewChannel(after: Backoff.shortest, because: error)
                return true
            case .channelClosed(let error):
                endChannel()
                link.channelClosed(error)
                return true
            case .nothing, .acknowledged, .rejected, .returned, .blocked, .unblocked:
                break
            }
        }
        return true
    }

    private func noteDelivery() {
        guard drainUntil == nil else { return reader.content.reset() }
        guard let delivery = reader.content.deliveries.last else { return }
        if openSince == nil {
            openSince = .now()
            link.noteProgress()
        }
        let wasCautious = isolation.isCautious
        // A classic queue does not count, it only says that it delivers again.
        isolation.deliver(tag: delivery.tag, isSuspect: delivery.deliveryCount > 0 || delivery.isRedelivered)
        if isolation.isCautious {
            // Cut when they are handed out: how many go together depends on what was settled until then.
            guard !wasCautious else { return }
            metrics.isolated()
            seal(reader.content.count - 1)
        } else if reader.content.count >= batchCountMax || reader.content.bytes.count >= Self.batchBytesMax {
            seal(min(reader.content.count, batchCountMax))
        }
    }

    private func seal(_ count: Int) {
        guard count > 0 else { return }
        let batch = reader.content.take(count, generation: generation, number: ledger.nextNumber)
        guard let lastTag = batch.deliveries.last?.tag else { return }
        ready.append(batch)
        ledger.seal(lastTag: lastTag)
        if reader.content.count == 0 { openSince = nil }
    }

    /// While a suspect is out, nothing else is.
    private var mayHandOver: Bool { !isolation.isCautious || ledger.outstanding == 0 }

    /// Gives batches to those who wait: full ones, and the open one when it is old enough.
    private func handOver() {
        while !waiters.isEmpty, mayHandOver {
            if ready.isEmpty { sealDue() }
            guard let batch = ready.first, waiters.hand(batch) else { return }
            ready.removeFirst()
            ledger.hand(batch.number)
        }
    }

    private func sealDue() {
        guard let openSince else { return }
        let count = min(reader.content.count, isolation.batchCount)
        if count == isolation.batchCount || openSince + batchWait <= .now() { seal(count) }
    }

    /// Makes the broker send more or fewer messages ahead, as suspicion asks for.
    private func adjustSubscription() throws(RabbitMQError) {
        guard drainUntil == nil, let connection = link.connection else { return }
        switch isolation.nextStep() {
        case nil: break
        case .cancel:
            try connection.requestCancel(subscription: subscriptionNumber)
        case .subscribe(let prefetch):
            subscriptionNumber += 1
            try connection.requestConsume(queue: queue, prefetch: prefetch, subscription: subscriptionNumber)
        }
    }

    // MARK: Channels

    private func beginChannel() {
        endChannel()
        metrics.connected(true)
    }

    /// Nothing that came through the channel is valid any more.
    private func endChannel() {
        generation += 1
        ledger = AcknowledgementLedger()
        isolation.begin()
        subscriptionNumber = 0
        ready.removeAll()
        reader.reset()
        openSince = nil
        metrics.connected(false)
    }

    private func lose(_ error: RabbitMQError) {
        endChannel()
        link.lose(error)
    }

    private func endDrain(at now: Moment) {
        guard let drainUntil, !drained.isEmpty else { return }
        if now >= drainUntil || ledger.outstanding == 0 || !link.isOpen { releaseDrained() }
    }

    private func releaseDrained() {
        for continuation in drained { continuation.resume() }
        drained = []
    }
}
