import Synchronization

/// Ends what librabbitmq cannot end itself: everything that it writes, it writes with an infinite deadline.
///
/// One thread for the process. It sleeps until the earliest deadline that it knows of; most deadlines are disarmed long
/// before, so it wakes about once per operation timeout, and arming is a lock and a comparison.
final class SocketWatchdog: Sendable {
    static let shared = SocketWatchdog()

    private struct Watch {
        let guarded: SocketGuard
        let deadline: Moment
    }
    private struct Watches {
        var armed: [Watch] = []
        var wakesAt = Moment.distantFuture
    }

    private let watches = Mutex(Watches())
    private let wakePipe = WakePipe()

    private init() {
        let started = BlockingThread.start { [self] in
            while true { turn() }
        }
        precondition(started, "no thread left for the connections' watchdog: raise the limit of threads")
    }

    /// Shuts the socket down at the deadline, unless ``disarm(_:)`` comes first.
    func arm(_ guarded: SocketGuard, until deadline: Moment) {
        let mustWake = watches.withLock { watches in
            watches.armed.append(Watch(guarded: guarded, deadline: deadline))
            defer { watches.wakesAt = min(watches.wakesAt, deadline) }
            return deadline < watches.wakesAt
        }
        if mustWake { wakePipe.wake() }
    }

    func disarm(_ guarded: SocketGuard) {
        watches.withLock { $0.armed.removeAll { $0.guarded === guarded } }
    }

    private func turn() {
        let now = Moment.now()
        let (due, wakesAt) = watches.withLock { watches in
            let due = watches.armed.filter { $0.deadline <= now }
            watches.armed.removeAll { $0.deadline <= now }
            watches.wakesAt = watches.armed.map(\.deadline).min() ?? .distantFuture
            return (due, watches.wakesAt)
        }
        for watch in due { watch.guarded.fire() }
        wakePipe.wait(milliseconds: wakesAt == .distantFuture ? -1 : wakesAt.milliseconds(from: now))
    }
}
