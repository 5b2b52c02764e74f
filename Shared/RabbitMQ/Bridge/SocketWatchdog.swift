// The C library's thread types reach Swift through whichever module includes them first; here that is CRabbitMQ.
import CRabbitMQ
import Glibc
import Synchronization

/// A second descriptor of a connection's socket, so that the socket can be shut down and watched even while (and after)
/// librabbitmq closes its own: a number that was closed may already belong to somebody else.
final class SocketGuard: Sendable {
    let descriptor: Int32
    private let fired = Atomic<Bool>(false)

    /// Nil when the process has no descriptor left.
    init?(of socket: Int32) {
        descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Whether the watchdog ended the connection.
    var hasFired: Bool { fired.load(ordering: .acquiring) }

    /// Ends every call that waits for the socket, on whichever thread.
    func fire() {
        fired.store(true, ordering: .releasing)
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Whether the kernel takes more bytes now.
    var isWritable: Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&watched, 1, 0) > 0
    }

    /// - Returns: false when the deadline came first.
    func waitUntilReadable(until deadline: Moment) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, deadline.milliseconds(from: .now())) > 0
    }
}

/// Ends what librabbitmq cannot end itself: everything that it writes, it writes with an infinite deadline.
///
/// One thread for the process. It sleeps until the earliest deadline that it knows of; most deadlines are disarmed long before,
/// so it wakes about once per operation timeout, and arming is a lock and a comparison.
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

/// A pipe that one thread sleeps on and others wake.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no descriptor left for a wake-up pipe: raise the limit of open files")
        for end in ends {
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        var one: UInt8 = 1
        // A full pipe already wakes.
        _ = write(writeEnd, &one, 1)
    }

    func wait(milliseconds: Int32) {
        var watched = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, milliseconds) > 0 else { return }
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { bytes in
            while read(readEnd, bytes.baseAddress, bytes.count) == bytes.count {}
        }
    }
}

/// A thread for calls that block: logging in, questions to the broker, a name server that does not answer.
enum BlockingThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// The stack is as large as a loop's, because frames that arrive meanwhile are decoded here, by recursion.
    /// - Returns: false when the process may have no more threads.
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 8 << 20)
        var identifier = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let created = pthread_create(
            &identifier, &attributes,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard created == 0 else {
            body.release()
            return false
        }
        pthread_detach(identifier)
        return true
    }
}
