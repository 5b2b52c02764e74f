import Synchronization

/// Begins once; who waits for it goes on then.
final class Turn: Sendable {
    private struct State {
        var hasBegun = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Again it does nothing.
    func begin() {
        let waiters = state.withLock { state in
            state.hasBegun = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Does not end by cancellation: whoever has the turn begins it in any case.
    func wait() async {
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                if !state.hasBegun { state.waiters.append(continuation) }
                return !state.hasBegun
            }
            if !mustWait { continuation.resume() }
        }
    }
}
