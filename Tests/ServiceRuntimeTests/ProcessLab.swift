import Events
import FoundationEssentials
import Logging
import Observability
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceRuntime

/// Whole processes of services on real servers, within the test's own.
enum ProcessLab {
    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    static func settings<Definition: ServiceDefinition>(
        _: Definition.Type, _ values: [String: String], keyFile: String
    ) throws -> Settings {
        var environment = values
        environment["MAILLAGE_IDENTITY_PUBLIC_KEY_FILE"] = keyFile
        environment["MAILLAGE_IDENTITY_ISSUER"] = Tokens.issuer
        let settings = try Settings.load(keys: Definition.allSettings, environment: environment)
        try settings.require(ServiceProcess<Definition>.required)
        return settings
    }

    static func withKeyFile<R>(_ body: (String) async throws -> R) async throws -> R {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID().uuidString).pem").path
        try Data(Tokens.publicKeyPEM.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    /// Runs the process beside `body`, then stops it as SIGTERM does; it has to end by itself, in 10 s.
    static func run<Definition: ServiceDefinition>(
        _: Definition.Type, _ settings: Settings, _ body: () async throws -> Void
    ) async throws {
        let process = ServiceProcess<Definition>(
            settings: settings, metrics: PrometheusMetricsFactory(), logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: process, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            let start = ContinuousClock.now
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            #expect(ContinuousClock.now - start < .seconds(10))
            try result.get()
        }
    }
}
