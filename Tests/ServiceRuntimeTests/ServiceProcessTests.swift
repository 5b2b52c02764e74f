import Events
import FoundationEssentials
import Logging
import Observability
import Postgres
import RabbitMQ
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceRuntime

/// The whole process on real servers. The broker is the test's own: names of exchanges and queues are fixed.
@Suite(.serialized) struct ServiceProcessTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func settings(_ values: [String: String], keyFile: String) throws -> Settings {
        var environment = values
        environment["MAILLAGE_IDENTITY_PUBLIC_KEY_FILE"] = keyFile
        environment["MAILLAGE_IDENTITY_ISSUER"] = Tokens.issuer
        let settings = try Settings.load(keys: ProbeService.allSettings, environment: environment)
        try settings.require(ServiceProcess<ProbeService>.required)
        return settings
    }

    private func withKeyFile<R>(_ body: (String) async throws -> R) async throws -> R {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("key-\(UUID().uuidString).pem").path
        try Data(Tokens.publicKeyPEM.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    @Test func aServiceStartsAnswersPublishesAndStops() async throws {
        try await PrivateBroker.with { broker in
            try await withKeyFile { keyFile in
                try await withDatabase(schema: ProbeService.name, migrations: ProbeService.allMigrations) { pool, url in
                    // given
                    let port = try FreePort.find()
                    let settings = try settings(
                        [
                            "MAILLAGE_DATABASE_URL": url, "MAILLAGE_BROKER_URL": broker.url,
                            "MAILLAGE_HTTP_PORT": String(port),
                        ], keyFile: keyFile)
                    let configuration = try settings.brokerConfiguration(url: .brokerURL)
                    try await RabbitAdministrator.withConnection(configuration, logger: logger) { administrator in
                        // Repeated, as every deployment does.
                        for _ in 0..<2 {
                            for plan in try TopologyDeclaration.plans(of: ProbeService.self, settings: settings) {
                                try await TopologyDeclaration.apply(plan, with: administrator)
                            }
                        }
                        try await administrator.declareQueue("seen", arguments: [("x-queue-type", .string("quorum"))])
                        try await administrator.bind(
                            queue: "seen", exchange: "maillage.applications", routingKey: "#")
                    }
                    try await run(settings) {
                        try await waitUntil("ready") { await HealthcheckCommand<ProbeService>.ask(settings).isReady }
                        #expect(try await Self.post(port) == 201)
                        // then
                        try await RabbitAdministrator.withConnection(configuration, logger: logger) { administrator in
                            try await waitUntil("published") {
                                try await administrator.messageCount(queue: "seen") == 1
                            }
                        }
                    }
                    #expect(try await pool.query("select 1 from outbox").isEmpty)
                    #expect(await !HealthcheckCommand<ProbeService>.ask(settings).isReady)
                }
            }
        }
    }

    @Test func aStartWithoutADatabaseIsGivenUpInTime() async throws {
        try await withKeyFile { keyFile in
            let settings = try settings(
                [
                    "MAILLAGE_DATABASE_URL": "host=127.0.0.1 port=1 dbname=x",
                    "MAILLAGE_BROKER_URL": "amqp://127.0.0.1:1/",
                    "MAILLAGE_START_TIMEOUT": "1s",
                ], keyFile: keyFile)
            let error = await #expect(throws: StartUp.Failure.self) {
                try await ServiceProcess<ProbeService>(
                    settings: settings, metrics: PrometheusMetricsFactory(), logger: logger
                ).run()
            }
            #expect(error?.description.hasPrefix("no database within 1.0 seconds") == true)
        }
    }

    @Test func aStopDuringTheStartIsNoFailure() async throws {
        try await withKeyFile { keyFile in
            let settings = try settings(
                [
                    "MAILLAGE_DATABASE_URL": "host=127.0.0.1 port=1 dbname=x",
                    "MAILLAGE_BROKER_URL": "amqp://127.0.0.1:1/",
                ],
                keyFile: keyFile)
            try await run(settings) {}
        }
    }

    /// Runs the process beside `body`, then stops it as SIGTERM does; it has to end by itself, in 10 s.
    private func run(_ settings: Settings, _ body: () async throws -> Void) async throws {
        let process = ServiceProcess<ProbeService>(
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
