import Synchronization

/// Whether a listener gets on with what it has in hand.
final class InboxProgress: Sendable {
    private struct State {
        var inHandCount = 0
        /// The last batch went back to the queue: there is work, although nothing is in hand.
        var hasFailed = false
        var progressAt = ContinuousClock.now
    }

    private let state = Mutex(State())

    func began() {
        state.withLock { state in
            if state.inHandCount == 0, !state.hasFailed { state.progressAt = .now }
            state.inHandCount += 1
        }
    }

    func ended() {
        state.withLock { state in
            state.inHandCount -= 1
            state.hasFailed = false
            state.progressAt = .now
        }
    }

    func failed() {
        state.withLock { state in
            state.inHandCount -= 1
            state.hasFailed = true
        }
    }

    /// Since the last batch that took effect; 0 when there is nothing to do.
    var stalled: Duration {
        state.withLock { state in
            state.inHandCount > 0 || state.hasFailed ? state.progressAt.duration(to: .now) : .zero
        }
    }
}
