import ArgumentParser
import Events
import FoundationEssentials
import Inbox
import Logging
import Observability
import Outbox
import Postgres
import RabbitMQ

struct EventsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "events", abstract: "Send old events to a listener once more, and take them in.",
            subcommands: [EventsReplayCommand<Definition>.self, EventsAbsorbCommand<Definition>.self])
    }
}

/// What the commands about old events share.
enum Replays {
    static let generationMax = 999_999
    /// A queue that nobody takes anything from goes after a day.
    static let queueLifetimeMilliseconds: Int64 = 86_400_000

    static func check(generation: Int) throws {
        guard (0...generationMax).contains(generation) else {
            throw ValidationError("--generation: a number from 0 to \(generationMax)")
        }
    }

    /// The queue is declared by whoever comes first, as the broker's administrator.
    static func declare(_ queue: String, with administrator: RabbitAdministrator) async throws {
        try await administrator.declareQueue(
            queue, arguments: [("x-queue-type", .string("quorum")), ("x-expires", .int(queueLifetimeMilliseconds))])
    }
}

struct EventsReplayCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "replay",
            abstract: "Publish events of this service's log once more, to the replay queue of one listener.",
            discussion: """
                Runs beside `serve`. The listener takes them in by `events absorb`; what it has already is a duplicate
                there. A replay that was cut short says how to go on.
                """)
    }

    @Option(help: "The service that gets them.") var listener: String
    @Option(help: "0 repairs; above 0 is kept apart for a rebuild.") var generation = 0
    @Option(help: "The first position of the log.") var fromPosition: Int64 = 1
    @Option(name: .customLong("type"), help: "An event type; may be repeated. Default: all that the listener follows.")
    var types: [String] = []
    @Option(help: "Events per second at most.") var rate: Int?
    @Flag(help: "Count and publish nothing.") var dryRun = false

    func run() async throws {
        let order = try order()
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.databaseURL] + (dryRun ? [] : [.brokerAdminURL]))
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let progress = try await Self.replay(order, settings: settings) { StandardOutput.write($0 + "\n") }
        let queue = EventCatalogue.replayQueue(of: order.listener, generation: generation)
        let verb = dryRun ? "would publish" : "published"
        StandardOutput.write("\(verb) \(progress.eventCount) events to \(queue), up to position \(progress.end)\n")
    }

    private func order() throws -> EventReplay.Order {
        guard let listener = EventOwner(rawValue: listener), listener != Definition.owner else {
            let others = EventOwner.allCases.filter { $0 != Definition.owner }.map(\.rawValue)
            throw ValidationError("--listener: one of \(others.joined(separator: ", "))")
        }
        try Replays.check(generation: generation)
        guard fromPosition >= 1 else { throw ValidationError("--from-position: a position from 1") }
        guard rate.map({ (1...1_000_000).contains($0) }) ?? true else {
            throw ValidationError("--rate: a number from 1 to 1000000")
        }
        var order = EventReplay.Order(listener: listener, generation: generation)
        order.from = fromPosition
        order.rate = rate
        order.isDryRun = dryRun
        if !types.isEmpty { order.types = Set(try types.map { try Self.type($0, for: listener) }) }
        return order
    }

    private static func type(_ name: String, for listener: EventOwner) throws -> EventType {
        guard let type = EventType(name), type.owner == Definition.owner, EventCatalogue.entry(for: type) != nil,
            EventCatalogue.follows(listener, type)
        else {
            throw ValidationError("--type: \(name) is no event of \(Definition.name) that \(listener.rawValue) follows")
        }
        return type
    }

    /// - Parameter report: gets a line a second at most.
    static func replay(
        _ order: EventReplay.Order, settings: Settings, report: (String) -> Void
    ) async throws -> EventReplay.Progress {
        let logger = Logger(label: "replay")
        let broker = try order.isDryRun ? nil : settings.brokerConfiguration(url: .brokerAdminURL)
        let publisher = try RabbitPublisher(
            configuration: broker ?? RabbitMQConfiguration(url: "amqp://localhost/", connectionName: "unused"),
            windowMax: settings.count(.relayWindow), logger: logger)
        let result: Result<EventReplay.Progress, any Error>
        do {
            if let broker {
                let queue = EventCatalogue.replayQueue(of: order.listener, generation: order.generation)
                try await RabbitAdministrator.withConnection(broker, logger: logger) { administrator in
                    try await Replays.declare(queue, with: administrator)
                }
            }
            result = .success(
                try await settings.withPool(logger: logger) { pool in
                    let replay = EventReplay(owner: Definition.owner, pool: pool, publisher: publisher, order: order)
                    var reportedAt = ContinuousClock.now
                    return try await replay.run { progress in
                        guard .now - reportedAt >= .seconds(1) else { return }
                        reportedAt = .now
                        report("position \(progress.position) of \(progress.end): \(progress.eventCount) events")
                    }
                })
        } catch {
            result = .failure(error)
        }
        await publisher.close()
        return try result.get()
    }
}

struct EventsAbsorbCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "absorb",
            abstract: "Apply what others replay to this service, until nothing has come for a while.",
            discussion: "Runs beside `serve`: receipts and locks are those of the ordinary inbox.")
    }

    @Option(help: "0, which repairs.") var generation = 0
    @Option(help: "Seconds without an event after which it ends.") var idleSeconds = 5

    func run() async throws {
        try Replays.check(generation: generation)
        guard generation == 0 else {
            throw ValidationError(
                "--generation: only 0 is applied to the live tables; those above wait for a rebuild beside them")
        }
        guard (1...3_600).contains(idleSeconds) else { throw ValidationError("--idle-seconds: from 1 to 3600") }
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.databaseURL, .brokerAdminURL])
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let outcome = try await Self.absorb(settings: settings, idleTime: .seconds(idleSeconds))
        let figures = outcome.figures
        StandardOutput.write(
            """
            \(outcome.messageCount) messages: \(figures.appliedCount) applied, \(figures.duplicateCount) known before, \
            \(figures.ignoredCount) without meaning here, \(figures.parkedCount) parked, \
            \(figures.buriedCount) among the dead letters

            """)
    }

    static func absorb(settings: Settings, idleTime: Duration) async throws -> ReplayIntake.Outcome {
        let logger = Logger(label: "absorb")
        let broker = try settings.brokerConfiguration(url: .brokerAdminURL)
        let queue = EventCatalogue.replayQueue(of: Definition.owner, generation: 0)
        let consumer = RabbitConsumer(
            configuration: broker, queue: queue, batchCountMax: settings.count(.inboxBatch), logger: logger)
        let result: Result<ReplayIntake.Outcome, any Error>
        do {
            result = .success(
                try await settings.withPool(logger: logger) { pool in
                    let handlers = try await Definition.handlers(on: pool, settings: settings, logger: logger)
                    let intake = ReplayIntake(
                        processor: InboxProcessor(pool: pool, handlers: handlers, logger: logger), consumer: consumer,
                        queue: queue, idleTime: idleTime, logger: logger)
                    return try await RabbitAdministrator.withConnection(broker, logger: logger) { administrator in
                        try await Replays.declare(queue, with: administrator)
                        return try await intake.run(administrator) { count in
                            logger.info("taken in", metadata: [LogKeys.count: "\(count)"])
                        }
                    }
                })
        } catch {
            result = .failure(error)
        }
        await consumer.close()
        return try result.get()
    }
}
