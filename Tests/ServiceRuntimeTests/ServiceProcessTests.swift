import Events
import FoundationEssentials
import Observability
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import ServiceRuntime

/// The whole process on real servers. The broker is the test's own: names of exchanges and queues are fixed.
@Suite(.serialized) struct ServiceProcessTests {
    private func settings(_ values: [String: String], keyFile: String) throws -> Settings {
        try ProcessLab.settings(ProbeService.self, values, keyFile: keyFile)
    }

    @Test func aServiceStartsAnswersPublishesAndStops() async throws {
        try await PrivateBroker.with { broker in
            try await ProcessLab.withKeyFile { keyFile in
                try await withDatabase(schema: ProbeService.name, migrations: ProbeService.allMigrations) { pool, url in
                    // given
                    let port = try FreePort.find()
                    let settings = try settings(
                        [
                            "MAILLAGE_DATABASE_URL": url, "MAILLAGE_BROKER_URL": broker.url,
                            "MAILLAGE_HTTP_PORT": String(port),
                        ], keyFile: keyFile)
                    let configuration = try settings.brokerConfiguration(url: .brokerURL)
                    try await RabbitAdministrator.withConnection(configuration, logger: ProcessLab.logger) {
                        administrator in
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
                    try await ProcessLab.run(ProbeService.self, settings) {
                        try await waitUntil("ready") { await HealthcheckCommand<ProbeService>.ask(settings).isReady }
                        #expect(try await Self.post(port) == 201)
                        // then
                        try await RabbitAdministrator.withConnection(configuration, logger: ProcessLab.logger) {
                            administrator in
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
        try await ProcessLab.withKeyFile { keyFile in
            let settings = try settings(
                [
                    "MAILLAGE_DATABASE_URL": "host=127.0.0.1 port=1 dbname=x",
                    "MAILLAGE_BROKER_URL": "amqp://127.0.0.1:1/",
                    "MAILLAGE_START_TIMEOUT": "1s",
                ], keyFile: keyFile)
            let error = await #expect(throws: StartUp.Failure.self) {
                try await ServiceProcess<ProbeService>(
                    settings: settings, metrics: PrometheusMetricsFactory(), logger: ProcessLab.logger
                ).run()
            }
            #expect(error?.description.hasPrefix("no database within 1.0 seconds") == true)
        }
    }

    @Test func aStopDuringTheStartIsNoFailure() async throws {
        try await ProcessLab.withKeyFile { keyFile in
            let settings = try settings(
                [
                    "MAILLAGE_DATABASE_URL": "host=127.0.0.1 port=1 dbname=x",
                    "MAILLAGE_BROKER_URL": "amqp://127.0.0.1:1/",
                ],
                keyFile: keyFile)
            try await ProcessLab.run(ProbeService.self, settings) {}
        }
    }
}
