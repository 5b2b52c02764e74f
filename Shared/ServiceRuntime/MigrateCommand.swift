import ArgumentParser
import Logging
import Observability
import Postgres

struct MigrateCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "migrate", abstract: "Bring the schema up to date and grant the run role its rights.")
    }

    func run() async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.databaseOwnerURL])
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let pool = PostgresPool(
            configuration: try settings.databaseConfiguration(url: .databaseOwnerURL), logger: Logger(label: "migrate"))
        let upgrade = SchemaUpgrade(
            of: Definition.self, schema: settings.text(.databaseSchema), runRole: settings.text(.databaseRunRole))
        do {
            let applied = try await upgrade.run(on: pool)
            await pool.close()
            StandardOutput.write(applied.isEmpty ? "nothing to apply\n" : applied.map { "applied \($0)\n" }.joined())
        } catch {
            await pool.close()
            throw error
        }
    }
}
