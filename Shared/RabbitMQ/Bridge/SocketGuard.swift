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
