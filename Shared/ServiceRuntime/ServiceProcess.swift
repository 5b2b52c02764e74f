import Events
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import HummingbirdCore
import Identity
import Inbox
import Logging
import Migrations
import NIOCore
import Observability
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle

/// A running service: waits for what it needs, builds itself, and runs its parts until it is told to stop.
///
/// Parts stop in the reverse of their order: HTTP first, so that nothing new comes in; then what the service added, the
/// consumer, and the relay, which publishes what it has claimed; the pool last, since all of them use it.
struct ServiceProcess<Definition: ServiceDefinition>: Service {
    let settings: Settings
    let metrics: PrometheusMetricsFactory
    let logger: Logger

    static var required: [SettingKey] {
        [.databaseURL, .brokerURL, .identityPublicKeyFile, .identityIssuer] + Definition.requiredSettings
    }

    func run() async throws {
        let pool = PostgresPool(configuration: try settings.databaseConfiguration(url: .databaseURL), logger: logger)
        let broker = try settings.brokerConfiguration(url: .brokerURL)
        let startUp = StartUp(
            pool: pool,
            migrator: Migrator(schema: settings.text(.databaseSchema), files: Definition.allMigrations), broker: broker,
            timeout: settings.duration(.startTimeout), logger: logger)
        do {
            try await cancelWhenGracefulShutdown { try await startUp.run() }
        } catch {
            await pool.close()
            // Told to stop before it began: that is no failure.
            if Task.isShuttingDownGracefully { return }
            throw error
        }
        try await serve(pool: pool, broker: broker)
    }

    private func serve(pool: PostgresPool, broker: RabbitMQConfiguration) async throws {
        let context = BuildContext(
            pool: pool, clock: ProgrammeClock(offsetFile: settings.optionalText(.clockOffsetFile)), settings: settings,
            logger: logger, wakeUp: RelayWakeUp())
        let parts = try await Definition.build(context)
        let publisher = RabbitPublisher(
            configuration: broker, windowMax: settings.count(.relayWindow), logger: logger)
        let consumer = RabbitConsumer(
            configuration: broker, queue: EventCatalogue.queue(of: Definition.owner),
            batchCountMax: settings.count(.inboxBatch), logger: logger)
        let router = ServiceRouter(verifier: try await settings.tokenVerifier(), metrics: metrics, context: context)
            .router(of: Definition.self, parts: parts, checks: Self.checks(pool, consumer))
        var services: [(String, any Service)] = [
            ("pool", pool),
            ("publisher", ClosingService { await publisher.close() }),
            ("relay", relay(context, publisher)),
            ("command purge", CommandPurge(pool: pool, logger: logger)),
            ("inbox", inbox(context, consumer, parts.handlers)),
            (
                "dead letters",
                DeadLetterDrain(
                    listener: Definition.owner, pool: pool, broker: broker, handlers: parts.handlers, logger: logger)
            ),
        ]
        services += parts.services.map { ("\(type(of: $0))", $0) }
        services.append(("http", application(router)))
        try await run(services)
    }

    /// Runs the parts and, beside them, the watch over their end.
    private func run(_ services: [(name: String, service: any Service)]) async throws {
        let running = RunningServices()
        let watch = DrainWatch(running: running, timeout: settings.duration(.drainTimeout), logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { part in
                    // A part that fails takes the others down in order: what was claimed is still published.
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: NamedService(
                            name: part.name, service: part.service, running: running, logger: logger),
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: part.name)
                },
                logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await watch.run() }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    private func relay(_ context: BuildContext, _ publisher: RabbitPublisher) -> OutboxRelay {
        var relaySettings = RelaySettings()
        relaySettings.batchCountMax = settings.count(.relayBatch)
        return OutboxRelay(
            owner: Definition.owner, pool: context.pool, publisher: publisher, wakeUp: context.wakeUp,
            settings: relaySettings, logger: logger)
    }

    private func inbox(
        _ context: BuildContext, _ consumer: RabbitConsumer, _ handlers: [EventHandler]
    ) -> InboxConsumer {
        InboxConsumer(
            listener: Definition.owner, pool: context.pool, consumer: consumer, handlers: handlers,
            workers: settings.count(.inboxWorkers), wakeUp: context.wakeUp, logger: logger)
    }

    private func application(_ router: Router<MaillageContext>) -> some Service {
        // 16 KiB of headers are four times what a browser sends with a long token.
        let limits = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100)
        return Application(
            router: router,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    idleTimeout: .seconds(60), httpDecoderConfiguration: limits)),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.text(.httpHost), port: settings.count(.httpPort))),
            logger: logger)
    }

    private static func checks(_ pool: PostgresPool, _ consumer: RabbitConsumer) -> [ReadinessCheck] {
        [
            ReadinessCheck("database") {
                do throws(PostgresError) { try await pool.query("select 1") } catch { return error.code.rawValue }
                return nil
            },
            ReadinessCheck("broker") { await consumer.isConnected ? nil : "not connected" },
        ]
    }
}

/// Ends something that is no service of its own, in its turn.
struct ClosingService: Service {
    let close: @Sendable () async -> Void

    func run() async throws {
        // A cancelled wait closes all the same.
        try? await gracefulShutdown()
        await close()
    }
}
