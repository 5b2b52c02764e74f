import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import ServiceRuntime

@Suite struct DrainWatchTests {
    private struct Part: Service {
        let body: @Sendable () async throws -> Void
        func run() async throws { try await body() }
    }

    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// What the watch reports when parts end as given after one of them has.
    private func report(_ parts: [(String, @Sendable () async throws -> Void)]) async -> [String]? {
        let reported = Mutex<[String]?>(nil)
        let running = RunningServices()
        await withTaskGroup(of: Void.self) { group in
            for (name, body) in parts {
                let part = NamedService(name: name, service: Part(body: body), running: running, logger: logger)
                group.addTask { try? await part.run() }
            }
            var watch = DrainWatch(running: running, timeout: .milliseconds(100), logger: logger)
            watch.terminate = { names in reported.withLock { $0 = names } }
            await watch.run()
            group.cancelAll()
        }
        return reported.withLock { $0 }
    }

    @Test func whatDoesNotEndInTimeIsNamed() async {
        let left = await report([
            ("quick", {}),
            ("stuck", { try await Task.sleep(for: .seconds(600)) }),
            ("broken", { throw CancellationError() }),
        ])
        #expect(left == ["stuck"])
    }

    @Test func aStopInTimeIsLeftAlone() async {
        let reported = Mutex(false)
        let running = RunningServices()
        var watch = DrainWatch(running: running, timeout: .seconds(600), logger: logger)
        watch.terminate = { _ in reported.withLock { $0 = true } }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [watch] in await watch.run() }
            running.began("a")
            running.ended("a")
            group.cancelAll()
        }
        let isReported = reported.withLock { $0 }
        #expect(!isReported)
    }
}
