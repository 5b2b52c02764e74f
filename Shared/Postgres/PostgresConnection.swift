import CLibPQ
import ConnectionLoop
import Glibc
import Metrics
import Synchronization

/// One connection: an actor on a thread of its own that owns one `PGconn`, which no other thread ever touches.
///
/// Nothing on the loop blocks. A request writes what the socket takes at once, in libpq's pipeline mode, so that BEGIN,
/// PREPARE and the statement itself share one round trip; ``tick()`` does the rest whenever the socket is ready. While
/// nothing is asked the loop still reads, so an idle connection that the server closes is known dead before anybody
/// borrows it.
actor PostgresConnection {
    enum Condition: UInt8, AtomicRepresentable { case ready, inTransaction, dead }

    /// How long the server may take to end a cancelled statement before the socket is shut.
    static let cancellationPatienceNanoseconds: UInt64 = 2_000_000_000

    nonisolated let loop = LoopExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Read by the pool without a hop.
    nonisolated let condition = Atomic(Condition.ready)
    /// When the pool should replace it, in ``monotonicNanoseconds()``: a backend's memory grows with the plans and
    /// tables that it has seen, and after a failover connections should spread again.
    nonisolated let expiresAt: UInt64
    /// The number of the operation whose task was cancelled last.
    private nonisolated let cancelled = Atomic<UInt64>(0)

    let configuration: PostgresConfiguration
    let metrics: PostgresMetrics
    let servers: ServerMemory
    /// ``ServerMemory/generation`` when it was opened.
    nonisolated let generation: UInt64
    var handle: OpaquePointer?
    var opening: Opening?
    var operation: Operation?
    var cache: StatementCache
    /// The transaction that was begun here, by its token; 0 is none.
    var openTransaction: UInt64 = 0
    /// What failed first in it. PostgreSQL answers everything after it with "transaction is aborted".
    var transactionFailure: PostgresError?
    /// Rows of a COPY may come that nobody has asked for yet.
    var isCopyingOut = false
    /// Whose columns' types were compared.
    var copyCommands: Set<String> = []
    private var lastNumber: UInt64 = 0
    private var isTaken = false
    private var turns: [CheckedContinuation<Void, Never>] = []

    init(
        configuration: PostgresConfiguration, metrics: PostgresMetrics, servers: ServerMemory,
        statementCountMax: Int = 256
    ) {
        self.configuration = configuration
        self.metrics = metrics
        self.servers = servers
        generation = servers.generation
        cache = StatementCache(countMax: statementCountMax)
        let lifetimeSeconds = UInt64.random(in: 3000...4200)
        expiresAt = monotonicNanoseconds() + lifetimeSeconds * 1_000_000_000
    }

    isolated deinit {
        closeHandle()
        loop.stop()
    }

    // MARK: Requests

    /// Runs a request: one at a time, in the order of arrival.
    /// - Parameter evenIfCancelled: for what has to be done after a cancellation.
    func perform(_ request: Request, evenIfCancelled: Bool = false) async -> Result<Answer, PostgresError> {
        if request.isCancellable && !evenIfCancelled && Task.isCancelled {
            return .failure(PostgresError(.cancelled).unsent())
        }
        let number = nextNumber()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { start(request, number: number, continuation: $0) }
        } onCancel: {
            cancel(number)
        }
    }

    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// Called by a cancelled task on whatever thread that happens on.
    nonisolated func cancel(_ number: UInt64) {
        cancelled.store(number, ordering: .releasing)
        loop.wakeUp()
    }

    func isCancelled(_ number: UInt64) -> Bool { cancelled.load(ordering: .acquiring) == number }

    /// Waits until the statements that other tasks of the same transaction began are through.
    func takeTurn() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { turns.append($0) }
    }

    func giveTurn() {
        guard !turns.isEmpty else {
            isTaken = false
            return
        }
        turns.removeFirst().resume()
    }

    // MARK: The loop

    /// Reads and writes what the socket allows.
    /// - Returns: the milliseconds that the loop may sleep at most.
    func tick() -> Int32 {
        guard let handle else { return -1 }
        if opening != nil { return tickOpening() }
        guard !isCopyingOut || operation != nil else {
            pauseReading()
            return -1
        }
        let isAlive = flush(handle) && read(handle)
        collect()
        if !isAlive { lose() }
        return watch()
    }

    func flush(_ handle: OpaquePointer) -> Bool {
        guard let isFlushed = operation?.isFlushed, !isFlushed else { return true }
        let rest = PQflush(handle)
        operation?.isFlushed = rest == 0
        loop.wait(for: rest > 0 ? [.read, .write] : .read)
        return rest >= 0
    }

    /// Reads what has arrived.
    private func read(_ handle: OpaquePointer) -> Bool {
        guard PQconsumeInput(handle) == 1 else { return false }
        guard PQsslInUse(handle) == 1 else { return true }
        // OpenSSL may hold the rest of a record, up to 8 KiB after libpq took its first half, while the socket has
        // nothing left that could wake the loop. libpq tells nobody, so it is asked once more behind an empty socket.
        for _ in 0..<64 {
            let isEmpty = !isReady(PQsocket(handle), for: .read)
            guard PQconsumeInput(handle) == 1 else { return false }
            if isEmpty { break }
        }
        return true
    }

    func isReady(_ descriptor: Int32, for interest: LoopExecutor.Interest) -> Bool {
        var descriptor = pollfd(fd: descriptor, events: interest.rawValue, revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    /// Sees to deadlines and cancellations.
    private func watch() -> Int32 {
        guard let operation else { return -1 }
        let now = monotonicNanoseconds()
        if let interruption = operation.interruption {
            if operation.isComplete && interruption.cancellation.isFinished {
                deliver(operation.result)
                return -1
            }
            guard now < interruption.patienceEnds else {
                lose()
                return -1
            }
            return sleepMilliseconds(from: now, until: interruption.patienceEnds)
        }
        if operation.request.isCancellable && isCancelled(operation.number) {
            return interrupt(.cancelled, now: now)
        }
        guard now < operation.deadline else { return interrupt(.deadlineExceeded, now: now) }
        return sleepMilliseconds(from: now, until: operation.deadline)
    }

    func interrupt(_ code: PostgresError.Code, now: UInt64) -> Int32 {
        let isCancellable = operation?.request.isCancellable ?? false
        guard isCancellable, let handle, let cancellation = ServerCancellation(of: handle, waking: loop) else {
            lose()
            return -1
        }
        let patienceEnds = now + Self.cancellationPatienceNanoseconds
        operation?.interruption = Operation.Interruption(
            code: code, cancellation: cancellation, patienceEnds: patienceEnds)
        return sleepMilliseconds(from: now, until: patienceEnds)
    }

    // MARK: Ends

    /// Hands the outcome to whoever waits for it.
    func deliver(_ result: Result<Answer, PostgresError>) {
        guard let operation else { return }
        self.operation = nil
        if !operation.request.isCopyStep {
            metrics.statementDuration.recordNanoseconds(Int64(monotonicNanoseconds() - operation.startedAt))
        }
        if case .failure(let error) = result {
            if transactionFailure == nil { transactionFailure = error }
            if error.endsConnection { closeHandle() }
            if error.meansReadOnlyServer { servers.distrust(generation) }
        }
        leaveReadOnlyServer()
        if let handle {
            let isIdle = PQtransactionStatus(handle) == PQTRANS_IDLE
            condition.store(isIdle ? .ready : .inTransaction, ordering: .releasing)
        }
        operation.continuation.resume(returning: result)
    }

    /// The connection is gone, or is given up because the server does not answer.
    func lose() {
        guard let handle else { return }
        let detail = String(cString: PQerrorMessage(handle))
        shutdown(PQsocket(handle), Int32(SHUT_RDWR))
        closeHandle()
        metrics.connectionsLost.increment()
        if let operation { deliver(operation.resultWhenLost(detail: detail)) }
    }

    /// A server that tells that it became a standby, or was set read-only, is of no use to a pool that writes, and
    /// neither are the other connections to it.
    private func leaveReadOnlyServer() {
        guard servers.mustWrite, let handle, PQtransactionStatus(handle) == PQTRANS_IDLE,
            ["in_hot_standby", "default_transaction_read_only"].contains(where: { isOn($0, handle) })
        else { return }
        servers.distrust(generation)
        closeHandle()
    }

    private func isOn(_ parameter: StaticString, _ handle: OpaquePointer) -> Bool {
        let name = UnsafeRawPointer(parameter.utf8Start).assumingMemoryBound(to: CChar.self)
        return PQparameterStatus(handle, name).map { strcmp($0, "on") == 0 } ?? false
    }

    func closeHandle() {
        condition.store(.dead, ordering: .releasing)
        isCopyingOut = false
        guard let handle else { return }
        loop.detach()
        PQfinish(handle)
        self.handle = nil
    }
}
