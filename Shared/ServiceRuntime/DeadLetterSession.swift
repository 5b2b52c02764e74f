import HTTPDefaults
import Inbox
import Logging
import Migrations
import Observability
import Outbox
import Postgres

/// What the commands about dead letters work with: the service's own handlers on its own database, without a broker.
enum DeadLetterSession<Definition: ServiceDefinition> {
    /// - Throws: what the closure throws; `MigrationsError` when the schema is not the one that this binary knows.
    static func with(_ body: (DeadLetterDesk) async throws -> Void) async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.databaseURL])
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let logger = Logger(label: "dead-letters")
        try await settings.withPool(logger: logger) { pool in
            let migrator = Migrator(schema: settings.text(.databaseSchema), files: Definition.allMigrations)
            try await migrator.check(on: pool)
            let context = BuildContext(
                pool: pool, clock: ProgrammeClock(offsetFile: settings.optionalText(.clockOffsetFile)),
                settings: settings, logger: logger, wakeUp: RelayWakeUp())
            let parts = try await Definition.build(context)
            try await body(DeadLetterDesk(pool: pool, handlers: parts.handlers, logger: logger))
        }
    }
}
