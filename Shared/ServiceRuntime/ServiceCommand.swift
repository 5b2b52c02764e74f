package import ArgumentParser
import Glibc

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

    /// Runs what the command line asks for and ends the process.
    ///
    /// Not by `exit`: its handlers free what a connection's thread may still use as it ends. One run of `migrate` in
    /// 2,000 died of OpenSSL's locks (docs/decisions/0026).
    package static func main() async {
        ProcessMemory.shareArenas()
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            _exit(EXIT_SUCCESS)
        } catch {
            let status = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty {
                StandardOutput.write("\(text)\n", to: status.isSuccess ? STDOUT_FILENO : STDERR_FILENO)
            }
            _exit(status.rawValue)
        }
    }
}
