import Inbox
import Logging
import Migrations
import Outbox
import Postgres

extension ServiceDefinition {
    /// The service's own handlers, for a command that works beside `serve`.
    /// - Throws: `MigrationsError` when the schema is not the one that this binary knows.
    static func handlers(
        on pool: PostgresPool, settings: Settings, logger: Logger
    ) async throws -> [EventHandler] {
        try await Migrator(schema: settings.text(.databaseSchema), files: allMigrations).check(on: pool)
        let context = BuildContext(
            pool: pool, clock: ProgrammeClock(offsetFile: settings.optionalText(.clockOffsetFile)),
            settings: settings, logger: logger, wakeUp: RelayWakeUp())
        return try await build(context).handlers
    }
}
