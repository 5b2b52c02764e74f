package import ArgumentParser

/// The command line of every service: `serve` (default), `migrate`, `topology apply|check`, `dead-letters`,
/// `events replay`, `events absorb`, `reconcile`, `healthcheck`, `config`.
///
///     @main
///     struct FundingMain {
///         static func main() async { await ServiceCommand<FundingService>.main() }
///     }
package struct ServiceCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    package static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Definition.name,
            abstract: "The \(Definition.name) service of Maillage.",
            subcommands: [
                ServeCommand<Definition>.self, MigrateCommand<Definition>.self, TopologyCommand<Definition>.self,
                DeadLettersCommand<Definition>.self, EventsCommand<Definition>.self,
                ReconcileCommand<Definition>.self, HealthcheckCommand<Definition>.self,
                ConfigCommand<Definition>.self,
            ] + Definition.commands,
            defaultSubcommand: ServeCommand<Definition>.self)
    }

    package init() {}

    /// Here too, so that an executable need not import the module that its `main` is inherited from.
    package static func main() async {
        ProcessMemory.shareArenas()
        await main(nil)
    }
}
