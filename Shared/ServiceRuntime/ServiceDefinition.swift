package import ArgumentParser
package import Events
package import HTTPDefaults
package import Hummingbird
package import Inbox
package import Logging
package import Migrations
package import Outbox
package import Postgres
package import ServiceLifecycle

/// What makes one of the five services different from the others; `ServiceCommand` does the rest.
package protocol ServiceDefinition: SendableMetatype {
    /// The service; also its schema, its command's name and its queue's.
    static var owner: EventOwner { get }
    /// The service's own; those of log, inbox and commands come before them by themselves.
    static var migrations: [MigrationFile] { get }
    /// Tables that the run role may only read and insert into: ledgers, audit trails. The event log is one anyway.
    static var appendOnlyTables: [String] { get }
    /// Tables that the run role may only read: functions of the schema write them.
    static var readOnlyTables: [String] { get }
    /// Keys besides ``SettingKey/standard(for:)``.
    static var settings: [SettingKey] { get }
    /// Keys that `serve` cannot do without, besides database, broker and identity.
    static var requiredSettings: [SettingKey] { get }
    /// The text of the service's `Routes/openapi.yaml`, which `docs/openapi` links to; served as `/openapi.yaml`.
    static var openAPI: String { get }
    /// Wires stores, routes and consumers; the same for the process and for its tests.
    static func build(_ context: BuildContext) async throws -> ServiceParts
    /// What an event means for this service, for those who look after its dead letters: what has not happened yet
    /// because of it. Never a value about a person.
    static func describe(_ event: InboundEvent) -> BusinessWords?
    /// What the service needs in virtual hosts besides the services' own; for `topology apply` and `topology check`.
    static func outsidePlans(_ settings: Settings) throws -> [BrokerPlan]
    /// Subcommands that no other service has.
    static var commands: [any ParsableCommand.Type] { get }
    /// Where sums of the service and of the owner of the events disagree, for `reconcile`.
    static func differences(on pool: PostgresPool) async throws -> [SumDifference]
}

/// A sum that is not what the owner of the events says it should be.
package struct SumDifference: Sendable, Equatable, Encodable {
    /// `ledger paid cents`
    package let name: String
    package let expected: Int64
    package let found: Int64

    package init(name: String, expected: Int64, found: Int64) {
        self.name = name
        self.expected = expected
        self.found = found
    }
}

extension ServiceDefinition {
    package static var appendOnlyTables: [String] { [] }
    package static var readOnlyTables: [String] { [] }
    package static var settings: [SettingKey] { [] }
    package static var requiredSettings: [SettingKey] { [] }
    package static var openAPI: String { "" }
    package static func describe(_ event: InboundEvent) -> BusinessWords? { nil }
    package static var commands: [any ParsableCommand.Type] { [] }
    package static func outsidePlans(_ settings: Settings) throws -> [BrokerPlan] { [] }
    package static func differences(on pool: PostgresPool) async throws -> [SumDifference] { [] }

    /// `funding`
    package static var name: String { owner.rawValue }

    /// Every setting that the service knows.
    package static var allSettings: [SettingKey] { SettingKey.standard(for: owner) + settings }

    /// Every migration in the order in which it is applied.
    package static var allMigrations: [MigrationFile] {
        OutboxSchema.migrations + InboxSchema.migrations + HTTPDefaultsSchema.migrations + migrations
    }
}

/// What a service is built from.
package struct BuildContext: Sendable {
    package let pool: PostgresPool
    package let clock: ProgrammeClock
    package let settings: Settings
    package let logger: Logger
    /// Tells the relay that there is something to publish; HTTP commands and event handlers need not, the runtime does.
    package let wakeUp: RelayWakeUp

    package init(
        pool: PostgresPool, clock: ProgrammeClock, settings: Settings, logger: Logger, wakeUp: RelayWakeUp
    ) {
        self.pool = pool
        self.clock = clock
        self.settings = settings
        self.logger = logger
        self.wakeUp = wakeUp
    }
}

/// What a service brings to its process.
package struct ServiceParts: Sendable {
    package let routes: @Sendable (Router<MaillageContext>) -> Void
    package let handlers: [EventHandler]
    package let services: [any Service]
    package let readiness: [ReadinessCheck]
    package let checkpoint: CheckpointCompanion?

    /// - Parameters:
    ///   - routes: adds the routes; traces, metrics, problems, authentication and limits are around them already.
    ///   - handlers: of the events that the service listens to.
    ///   - services: run between the consumer and HTTP: they start before the first request and stop after the last.
    ///   - readiness: besides database and broker.
    ///   - checkpoint: what the service adds to a checkpoint of its log.
    package init(
        routes: @escaping @Sendable (Router<MaillageContext>) -> Void, handlers: [EventHandler] = [],
        services: [any Service] = [], readiness: [ReadinessCheck] = [], checkpoint: CheckpointCompanion? = nil
    ) {
        self.routes = routes
        self.handlers = handlers
        self.services = services
        self.readiness = readiness
        self.checkpoint = checkpoint
    }
}
