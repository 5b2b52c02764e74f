import Glibc
import Logging
import Observability
import ServiceLifecycle
import Synchronization

/// The parts of the process that have not ended yet.
final class RunningServices: Sendable {
    private let names = Mutex<[String]>([])
    private let ends = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    func began(_ name: String) { names.withLock { $0.append(name) } }

    func ended(_ name: String) {
        names.withLock { names in names.removeAll { $0 == name } }
        ends.continuation.yield()
    }

    var left: [String] { names.withLock { $0 } }

    /// Returns when the first part has ended, or the task is cancelled.
    func firstEnd() async {
        for await _ in ends.stream { return }
    }
}

/// A part of the process under its name.
struct NamedService: Service {
    let name: String
    let service: any Service
    let running: RunningServices
    let logger: Logger

    func run() async throws {
        running.began(name)
        defer { running.ended(name) }
        do {
            try await service.run()
            logger.debug("ended", metadata: [LogKeys.component: .string(name)])
        } catch {
            logger.error("failed", error: error, metadata: [LogKeys.component: .string(name)])
            throw error
        }
    }
}

/// Ends the process with status 1 when a stop takes too long: an orchestrator would kill it a little later, and then
/// nobody could say what it waited for.
struct DrainWatch: Sendable {
    let running: RunningServices
    let timeout: Duration
    let logger: Logger
    /// Gets the names of what did not end; a test replaces it.
    var terminate: @Sendable ([String]) -> Void = { _ in
        // Not `exit`: its handlers could wait for the very thread that hangs.
        _exit(1)
    }

    /// Waits for the stop (a signal, or a part that ended by itself) and then at most `timeout`; returns when
    /// cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            // Both end when the group is cancelled, too; the sleep below then does so at once.
            group.addTask { try? await gracefulShutdown() }
            group.addTask { [running] in await running.firstEnd() }
            await group.next()
            group.cancelAll()
        }
        do { try await Task.sleep(for: timeout) } catch { return }
        let left = running.left
        logger.critical(
            "stop took too long",
            metadata: [
                LogKeys.component: .array(left.map { .string($0) }), LogKeys.reason: .string("not ended in \(timeout)"),
            ])
        terminate(left)
    }
}
