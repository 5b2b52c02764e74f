import Synchronization

/// Those who wait for a batch, first come first served. Outside the actor, because a cancelled waiter must be answered
/// from wherever the cancellation comes.
final class DeliveryWaiters: Sendable {
    private typealias Continuation = CheckedContinuation<DeliveryBatch?, any Error>

    private struct Waiters {
        var nextTicket = 0
        var waiting: [(ticket: Int, continuation: Continuation)] = []
        /// Cancelled before they had begun to wait.
        var cancelled: Set<Int> = []
        var isEnded = false
    }

    private let waiters = Mutex(Waiters())
    private let hasNewWaiter: @Sendable () -> Void

    /// - Parameter hasNewWaiter: called after somebody began to wait, from any thread. Who looked for waiters just
    ///   before that, and found none, has to look again: the continuation is made outside the actor.
    init(hasNewWaiter: @escaping @Sendable () -> Void) {
        self.hasNewWaiter = hasNewWaiter
    }

    var isEmpty: Bool { waiters.withLock { $0.waiting.isEmpty } }

    func wait() async throws(CancellationError) -> DeliveryBatch? {
        let ticket = waiters.withLock { waiters in
            waiters.nextTicket += 1
            return waiters.nextTicket
        }
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { add(ticket, $0) }
            } onCancel: {
                cancel(ticket)
            }
        } catch {
            throw CancellationError()
        }
    }

    /// - Returns: whether somebody took it.
    func hand(_ batch: DeliveryBatch) -> Bool {
        let first = waiters.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        first?.continuation.resume(returning: batch)
        return first != nil
    }

    /// Answers everybody that nothing will come, also those who are only about to wait: whoever looked just before the
    /// end whether there still was something to come would otherwise wait for ever.
    func end() {
        let all = waiters.withLock { waiters in
            defer { waiters.waiting = [] }
            waiters.isEnded = true
            return waiters.waiting
        }
        for waiter in all { waiter.continuation.resume(returning: nil) }
    }

    private func add(_ ticket: Int, _ continuation: Continuation) {
        enum Answer { case cancelled, ended, later }
        let answer = waiters.withLock { waiters -> Answer in
            if waiters.cancelled.remove(ticket) != nil { return .cancelled }
            if waiters.isEnded { return .ended }
            waiters.waiting.append((ticket, continuation))
            return .later
        }
        switch answer {
        case .cancelled: continuation.resume(throwing: CancellationError())
        case .ended: continuation.resume(returning: nil)
        case .later: hasNewWaiter()
        }
    }

    private func cancel(_ ticket: Int) {
        let cancelled = waiters.withLock { waiters -> Continuation? in
            guard let index = waiters.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                waiters.cancelled.insert(ticket)
                return nil
            }
            return waiters.waiting.remove(at: index).continuation
        }
        cancelled?.resume(throwing: CancellationError())
    }
}
