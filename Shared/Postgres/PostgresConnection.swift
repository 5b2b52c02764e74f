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
    var handle: OpaquePointer?
    var opening: Opening?
    var operation: Operation?
    var cache: StatementCache
    /// The transaction that was begun here, by its token; 0 is none.
    var openTransaction: UInt64 = 0
    /// What failed first in it. PostgreSQL answers everything after it with "transaction is aborted".
    var transactionFailure: PostgresError?
    private var lastNumber: UInt64 = 0
    private var isTaken = false
    private var turns: [CheckedContinuation<Void, Never>] = []

    init(configuration: PostgresConfiguration, metrics: PostgresMetrics, statementCountMax: Int = 256) {
        self.configuration = configuration
        self.metrics = metrics
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
    func perform(_ request: Request) async -> Result<PostgresRows, PostgresError> {
        if request.isCancellable && Task.isCancelled { return .failure(PostgresError(.cancelled).unsent()) }
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
        let isAlive = flush(handle) && PQconsumeInput(handle) == 1
        collect()
        if !isAlive { lose() }
        return watch()
    }

    private func flush(_ handle: OpaquePointer) -> Bool {
        guard let isFlushed = operation?.isFlushed, !isFlushed else { return true }
        let rest = PQflush(handle)
        operation?.isFlushed = rest == 0
        loop.wait(for: rest > 0 ? [.read, .write] : .read)
        return rest >= 0
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

    private func interrupt(_ code: PostgresError.Code, now: UInt64) -> Int32 {
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
    func deliver(_ result: Result<PostgresRows, PostgresError>) {
        guard let operation else { return }
        self.operation = nil
        metrics.statementDuration.recordNanoseconds(Int64(monotonicNanoseconds() - operation.startedAt))
        if case .failure(let error) = result {
            if transactionFailure == nil { transactionFailure = error }
            if error.endsConnection { closeHandle() }
        }
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

    func closeHandle() {
        condition.store(.dead, ordering: .releasing)
        guard let handle else { return }
        loop.detach()
        PQfinish(handle)
        self.handle = nil
    }
}
