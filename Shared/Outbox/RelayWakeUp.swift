import Synchronization

/// Tells the relay of this process that something was committed. Signals that nobody waits for are kept as one, so a
/// burst of commits costs a single look. The relays of other replicas find the rows by their poll; a NOTIFY in the
/// business transaction would halve the rate of commits (measured).
package final class RelayWakeUp: Sendable {
    private struct State {
        var isSignalled = false
        var lastTicket: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Call after the commit: earlier there is nothing to see.
    package func signal() {
        let waiters = state.withLock { state in
            state.isSignalled = state.waiters.isEmpty
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns at the next signal, at once if one was kept, after `limit`, or when the task is cancelled.
    /// - Parameter sleep: what waits for the limit to pass.
    package func wait(
        atMost limit: Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.signalled() }
            group.addTask { try? await sleep(limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func signalled() async {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard !state.isSignalled, !Task.isCancelled else {
                        // A cancelled wait leaves the signal to the next one.
                        if !Task.isCancelled { state.isSignalled = false }
                        return false
                    }
                    state.waiters[ticket] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
    }
}
