import CLibPQ
import ConnectionLoop
import Synchronization

/// Asks the server to end the running statement of a connection.
///
/// libpq 15 has only `PQcancel`, which blocks while it connects, so it runs on a thread of its own. The connection is
/// not used again before ``isFinished``, or the request could hit the next statement.
final class ServerCancellation: Sendable {
    private let finished = Atomic(false)

    var isFinished: Bool { finished.load(ordering: .acquiring) }

    /// - Returns: nil when libpq or the system cannot even try.
    init?(of handle: OpaquePointer, waking loop: LoopExecutor) {
        guard let request = PQgetCancel(handle) else { return nil }
        // A PGcancel is a copy of what the request needs; libpq allows it on another thread, and only that thread has
        // it.
        let address = UInt(bitPattern: request)
        let isRunning = BlockingThread.run { [self] in
            let request = OpaquePointer(bitPattern: address)
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                _ = PQcancel(request, message.baseAddress, Int32(message.count))
            }
            PQfreeCancel(request)
            finished.store(true, ordering: .releasing)
            loop.wakeUp()
        }
        guard isRunning else {
            PQfreeCancel(request)
            return nil
        }
    }
}
