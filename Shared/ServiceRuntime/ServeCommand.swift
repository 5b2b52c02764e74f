import ArgumentParser
import Logging
import Observability
import ServiceLifecycle
import UnixSignals

struct ServeCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "serve", abstract: "Run the service until SIGTERM or SIGINT.")
    }

    func run() async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require(ServiceProcess<Definition>.required)
        let metrics = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let logger = Logger(label: Definition.name)
        let process = ServiceProcess<Definition>(settings: settings, metrics: metrics, logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: process, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup, serviceName: Definition.name)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            logger.critical("the service failed", error: error)
            throw ExitCode.failure
        }
        logger.info("stopped")
    }
}

extension Settings {
    var logLevel: Logger.Level { Logger.Level(rawValue: text(.logLevel)) ?? .info }
}
