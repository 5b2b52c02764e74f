import Glibc
import Synchronization

/// The executor of one connection actor: a pthread of its own that runs the actor's jobs and waits for the
/// connection's socket, so that a C library that must stay on one thread does, and that no blocking call ever
/// reaches Swift's cooperative pool.
///
/// One turn of the loop: run the queued jobs, call the connection's `tick`, wait for the socket, for new jobs or for
/// the time that `tick` answered. `poll` watches two descriptors, so `epoll` would only add a system call; the wake-up
/// is a pipe because `eventfd` is not visible from Swift's `Glibc` (docs/decisions/0003).
///
/// The thread lives until ``stop()``, which the owning actor calls in its `isolated deinit` and never earlier: a job
/// that arrives after the thread ended would leave its caller waiting for ever.
package final class LoopExecutor: SerialExecutor, Sendable {
    /// What the loop waits for on the attached socket.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: Int16(POLLIN))
        package static let write = Interest(rawValue: Int16(POLLOUT))
    }

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var isSleeping = false
        var isStopped = false
    }

    /// What only the loop's thread touches.
    private final class Attachment {
        var descriptor: Int32 = -1
        var interest: Interest = .read
        var tick: (() -> Int32)?
    }

    private let inbox = Mutex(Inbox())
    private let thread = Atomic<UInt>(0)
    private let wakeRead: Int32
    private let wakeWrite: Int32
    // Written and read on the loop's thread alone; `attach` and its siblings check that.
    private nonisolated(unsafe) let attachment = Attachment()

    /// - Parameter stackSizeBytes: librabbitmq 0.11 decodes nested header tables by recursion, and a hostile header
    ///   that fills a frame needs almost 3 MiB of stack; musl would give 128 KiB.
    package init(stackSizeBytes: Int = 8 << 20) {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no descriptor left for a connection's wake-up pipe: raise the open-files limit")
        for end in ends {
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (wakeRead, wakeWrite) = (ends[0], ends[1])
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackSizeBytes)
        var identifier = pthread_t()
        let this = Unmanaged.passRetained(self)
        let created = pthread_create(
            &identifier, &attributes,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<LoopExecutor>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, this.toOpaque())
        precondition(created == 0, "no thread left for a connection's loop: raise the limit of threads")
        pthread_detach(identifier)
    }

    deinit {
        close(wakeRead)
        close(wakeWrite)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = inbox.withLock { inbox in
            inbox.jobs.append(job)
            defer { inbox.isSleeping = false }
            return inbox.isSleeping
        }
        if mustWake { wake() }
    }

    package func checkIsolated() {
        precondition(isOnLoop, "the connection was touched outside its loop's thread")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    /// Watches a socket. Call from a job on this loop.
    /// - Parameter tick: does the connection's input and output without blocking, and answers how many milliseconds
    ///   the loop may sleep at most; -1 is for ever, 0 asks for another turn at once. It must hold its actor weakly,
    ///   not `unowned`: between the actor's last release and its `isolated deinit`, which is a job like any other, the
    ///   loop may take another turn.
    package func attach(descriptor: Int32, interest: Interest = .read, tick: @escaping () -> Int32) {
        checkIsolated()
        attachment.descriptor = descriptor
        attachment.interest = interest
        attachment.tick = tick
    }

    /// Changes what the loop waits for on the attached socket. Call from a job or a tick on this loop.
    package func wait(for interest: Interest) {
        checkIsolated()
        attachment.interest = interest
    }

    /// Stops watching the socket. Call from a job or a tick on this loop, before the socket is closed.
    package func detach() {
        checkIsolated()
        attachment.descriptor = -1
        attachment.tick = nil
    }

    /// Makes the loop take a turn, and so call `tick`, soon. Any thread may call it, also a cancellation handler.
    package func wakeUp() { wake() }

    /// Ends the thread after the jobs that are queued now.
    package func stop() {
        inbox.withLock { $0.isStopped = true }
        wake()
    }

    private var isOnLoop: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    private func wake() {
        var one: UInt8 = 1
        // A full pipe already wakes the loop.
        _ = write(wakeWrite, &one, 1)
    }

    private func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        var batch: [UnownedJob] = []
        while true {
            let isStopped = inbox.withLock { inbox in
                swap(&inbox.jobs, &batch)
                return inbox.isStopped
            }
            for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
            if isStopped && batch.isEmpty { return }
            batch.removeAll(keepingCapacity: true)
            let timeout = attachment.tick?() ?? -1
            let maySleep = inbox.withLock { inbox in
                inbox.isSleeping = inbox.jobs.isEmpty && !inbox.isStopped && timeout != 0
                return inbox.isSleeping
            }
            if maySleep { sleep(milliseconds: timeout) }
        }
    }

    private func sleep(milliseconds: Int32) {
        let isAttached = attachment.descriptor >= 0
        withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { descriptors in
            descriptors[0] = pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0)
            descriptors[1] = pollfd(fd: attachment.descriptor, events: attachment.interest.rawValue, revents: 0)
            _ = poll(descriptors.baseAddress, isAttached ? 2 : 1, milliseconds)
            inbox.withLock { $0.isSleeping = false }
            guard descriptors[0].revents != 0 else { return }
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { bytes in
                while read(wakeRead, bytes.baseAddress, bytes.count) == bytes.count {}
            }
        }
    }
}
