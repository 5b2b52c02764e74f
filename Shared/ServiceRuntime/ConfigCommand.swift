import ArgumentParser

struct ConfigCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "config", abstract: "Print every setting with its value and source; secrets are hidden.")
    }

    func run() async throws {
        StandardOutput.write(SettingsTable.text(try Settings.load(keys: Definition.allSettings)))
    }
}
