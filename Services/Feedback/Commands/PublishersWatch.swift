import Logging
import Observability
import Outbox
import Postgres
import ServiceLifecycle
import ServiceRuntime
import UnixSignals

/// `feedback publishers provision --watch`: the one process that holds the broker's administration, beside replicas
/// that do not.
enum PublishersWatch {
    static func run() async throws {
        let settings = try Settings.load(keys: FeedbackService.allSettings)
        try settings.require([.databaseURL])
        _ = Telemetry.bootstrap(service: FeedbackService.name, level: .info)
        let logger = Logger(label: "publishers")
        try await settings.withPool(logger: logger) { pool in
            guard
                let provisioner = try BrokerProvisioner(
                    pool: pool, settings: settings, wakeUp: RelayWakeUp(), logger: logger)
            else {
                throw SettingsError(
                    violations: [
                        .init(
                            key: SettingKey.brokerOutsideManagementURL.environmentName, value: nil,
                            problem: "is needed to bring the broker to the publishers' rows")
                    ])
            }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: provisioner, successTerminationBehavior: .gracefullyShutdownGroup)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        }
    }
}
