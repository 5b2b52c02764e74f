import HTTPDefaults
import Inbox
import Logging
import Observability

/// What the commands about dead letters work with: the service's own handlers on its own database, without a broker.
enum DeadLetterSession<Definition: ServiceDefinition> {
    /// - Throws: what the closure throws; `MigrationsError` when the schema is not the one that this binary knows.
    static func with(_ body: (DeadLetterDesk) async throws -> Void) async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.databaseURL])
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let logger = Logger(label: "dead-letters")
        try await settings.withPool(logger: logger) { pool in
            let handlers = try await Definition.handlers(on: pool, settings: settings, logger: logger)
            try await body(DeadLetterDesk(pool: pool, handlers: handlers, logger: logger))
        }
    }
}
