import Events
import HTTPDefaults
import Inbox
import Logging
import Migrations
import Outbox
import RabbitMQ
import ServiceLifecycle
import ServiceRuntime

@main
struct FeedbackMain {
    static func main() async { await ServiceCommand<FeedbackService>.main() }
}

/// Takes in what outside systems publish about the experiments, and tells the others what counts.
enum FeedbackService: ServiceDefinition {
    static let owner = EventOwner.feedback
    static let migrations = [
        MigrationFile(
            component: "feedback", name: "0001-experiments",
            sql: String(decoding: PackageResources._001_experiments_sql, as: UTF8.self)),
        MigrationFile(
            component: "feedback", name: "0002-intake",
            sql: String(decoding: PackageResources._002_intake_sql, as: UTF8.self)),
        MigrationFile(
            component: "feedback", name: "0010-reviews",
            sql: String(decoding: PackageResources._010_reviews_sql, as: UTF8.self)),
        MigrationFile(
            component: "feedback", name: "0011-instruments",
            sql: String(decoding: PackageResources._011_instruments_sql, as: UTF8.self)),
    ]
    static let appendOnlyTables = ["instruments"]
    static let settings = FeedbackSettings.all
    static let requiredSettings = [SettingKey.brokerOutsideURL, FeedbackSettings.publishers]
    static let openAPI = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)

    static func describe(_ event: InboundEvent) -> BusinessWords? { DeadLetterWords.describe(event) }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        let publishers = try FeedbackSettings.publisherNames(context.settings)
        let intake = IntakeStore(pool: context.pool, clock: context.clock) { body, publisher, clockAt in
            SubmissionReader.read(body, publisher: publisher, clockAt: clockAt)
        }
        let experiments = ExperimentStore(intake: intake)
        let readings = FeedbackReadings(pool: context.pool)
        let outside = try outside(context, publishers: publishers, intake: intake)
        return ServiceParts(
            routes: { router in
                ResponsesRoutes(readings: readings).add(to: router)
                InstrumentRoutes(pool: context.pool, clock: context.clock).add(to: router)
                QuarantineRoutes(readings: readings).add(to: router)
                ReceiptRoutes(readings: readings, publishers: publishers).add(to: router)
            },
            handlers: ExperimentConsumer.handlers(experiments) + ProtocolConsumer.handlers(experiments)
                + ParticipantConsumer.handlers(experiments),
            services: outside.services, readiness: outside.readiness)
    }

    /// What runs against the outsiders' broker: a consumer for each publisher, so that none can crowd out another, and
    /// one relay for all receipts.
    private static func outside(
        _ context: BuildContext, publishers: [String], intake: IntakeStore
    ) throws -> (services: [any Service], readiness: [ReadinessCheck]) {
        guard context.settings.optionalText(.brokerOutsideURL) != nil else { return ([], []) }
        let broker = try context.settings.brokerConfiguration(url: .brokerOutsideURL)
        let receiptsDue = RelayWakeUp()
        let wakeUps = [context.wakeUp, receiptsDue]
        let receipts = RabbitPublisher(configuration: broker, logger: context.logger)
        var services: [any Service] = [
            ReceiptsRelay(pool: context.pool, publisher: receipts, wakeUp: receiptsDue, logger: context.logger),
            WaitingSweep(intake: intake, wakeUps: wakeUps, logger: context.logger),
            OutsideDeadLetters(pool: context.pool, intake: intake, wakeUps: wakeUps, logger: context.logger)
                .drain(of: broker),
        ]
        var readiness: [ReadinessCheck] = []
        for publisher in publishers {
            let consumer = RabbitConsumer(
                configuration: broker, queue: FeedbackSubmission.queue(of: publisher),
                batchCountMax: context.settings.count(FeedbackSettings.batch), logger: context.logger)
            services.append(
                FeedbackIntake(
                    publisher: publisher, consumer: consumer, intake: intake, wakeUps: wakeUps, logger: context.logger))
            readiness.append(
                ReadinessCheck("intake of \(publisher)") { await consumer.isConnected ? nil : "not connected" })
        }
        return (services, readiness)
    }

    static func outsidePlans(_ settings: Settings) throws -> [BrokerPlan] {
        let publishers = try FeedbackSettings.publisherNames(settings)
        return publishers.isEmpty ? [] : [OutsideTopology.plan(publishers: publishers, settings: settings)]
    }
}
