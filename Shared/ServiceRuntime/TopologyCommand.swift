import ArgumentParser
import Logging
import Observability
import RabbitMQ

struct TopologyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "topology", abstract: "The service's exchange and queues.",
            subcommands: [TopologyApplyCommand<Definition>.self])
    }
}

struct TopologyApplyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "apply", abstract: "Declare them, as the broker's administrator.")
    }

    func run() async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.brokerAdminURL])
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let broker = try settings.brokerConfiguration(url: .brokerAdminURL)
        try await RabbitAdministrator.withConnection(broker, logger: Logger(label: "topology")) { administrator in
            try await TopologyDeclaration.apply(Definition.self, with: administrator, settings: settings)
        }
        StandardOutput.write("declared\n")
    }
}
