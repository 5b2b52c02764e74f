import ArgumentParser
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
    static let migrations =
        [
            MigrationFile(
                component: "feedback", name: "0001-experiments",
                sql: String(decoding: PackageResources._001_experiments_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0002-intake",
                sql: String(decoding: PackageResources._002_intake_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0003-publishers",
                sql: String(decoding: PackageResources._003_publishers_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0004-personal-parts",
                sql: String(decoding: PackageResources._004_personal_parts_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0006-provisioning-claims",
                sql: String(decoding: PackageResources._006_provisioning_claims_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0007-review-index",
                sql: String(decoding: PackageResources._007_review_index_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0008-instrument-arrivals",
                sql: String(decoding: PackageResources._008_instrument_arrivals_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0009-statements-and-reruns",
                sql: String(decoding: PackageResources._009_statements_and_reruns_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0010-reviews",
                sql: String(decoding: PackageResources._010_reviews_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0011-instruments",
                sql: String(decoding: PackageResources._011_instruments_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0012-certificate-credentials",
                sql: String(decoding: PackageResources._012_certificate_credentials_sql, as: UTF8.self)),
        ] + Givers.migrations + Imports.migrations + [
            // Behind all that was applied before it, whatever it is about.
            MigrationFile(
                component: "feedback", name: "0032-identity-keys",
                sql: String(decoding: PackageResources._032_identity_keys_sql, as: UTF8.self)),
            MigrationFile(
                component: "feedback", name: "0033-volunteer-keys",
                sql: String(decoding: PackageResources._033_volunteer_keys_sql, as: UTF8.self)),
        ]
    static let appendOnlyTables = ["instruments", "quarantine_reruns"]
    static let settings = FeedbackSettings.all
    static let requiredSettings = [SettingKey.brokerOutsideURL, FeedbackSettings.contentKey]
    static let openAPI = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)
    static let commands: [any ParsableCommand.Type] = [PublishersCommand.self, QuarantineCommand.self]

    static func describe(_ event: InboundEvent) -> BusinessWords? { DeadLetterWords.describe(event) }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        // The commands that settle dead letters build the service too.
        try context.settings.require([FeedbackSettings.contentKey])
        let reader = SubmissionReader(contentKey: ContentKey(context.settings.text(FeedbackSettings.contentKey)))
        let intake = IntakeStore(pool: context.pool, clock: context.clock, reader: reader)
        let experiments = ExperimentStore(intake: intake)
        let readings = FeedbackReadings(pool: context.pool)
        let publishers = PublisherStore(queueBytesTotal: context.settings.count(FeedbackSettings.queueBytesTotal))
        let access = PublisherAccess(publishers: publishers, pool: context.pool)
        let imports = Imports(context, intake: intake)
        let gate = EventGate(countMax: context.settings.count(FeedbackSettings.requestCount))
        let outside = try outside(context, intake: intake)
        return ServiceParts(
            routes: { router in
                ResponsesRoutes(readings: readings).add(to: router)
                QuarantineRoutes(readings: readings, access: access).add(to: router)
                ReceiptRoutes(readings: readings, access: access).add(to: router)
                StatementRoutes(statements: StatementStore(pool: context.pool), access: access).add(to: router)
                PublisherRoutes(publishers: publishers, pool: context.pool, clock: context.clock).add(to: router)
                EventRoutes(
                    access: access,
                    door: EventDoor(intake: intake, wakeUps: [context.wakeUp], kind: .http, logger: context.logger),
                    gate: gate
                ).add(to: router)
                Givers.add(to: router, context: context, intake: intake)
                imports.add(to: router, access: access, gate: gate)
                InstrumentRoutes(pool: context.pool, clock: context.clock).add(to: router)
            },
            handlers: ExperimentConsumer.handlers(experiments) + ProtocolConsumer.handlers(experiments)
                + ParticipantConsumer.handlers(experiments) + Givers.handlers,
            services: outside.services + Givers.services(context) + [imports.service], readiness: outside.readiness)
    }

    /// What runs against the outsiders' broker: a consumer for each publisher, one relay for all receipts, and, where
    /// we are given the administrator's secret, what brings the broker to the publishers' rows.
    private static func outside(
        _ context: BuildContext, intake: IntakeStore
    ) throws -> (services: [any Service], readiness: [ReadinessCheck]) {
        guard context.settings.optionalText(.brokerOutsideURL) != nil else { return ([], []) }
        let broker = try context.settings.brokerConfiguration(url: .brokerOutsideURL)
        let receiptsDue = RelayWakeUp()
        let wakeUps = [context.wakeUp, receiptsDue]
        let receipts = RabbitPublisher(configuration: broker, logger: context.logger)
        let intakes = PublisherIntakes(
            intake: intake, broker: broker, batchCountMax: context.settings.count(FeedbackSettings.batch),
            wakeUps: wakeUps, logger: context.logger)
        var services: [any Service] = [
            ReceiptsRelay(pool: context.pool, publisher: receipts, wakeUp: receiptsDue, logger: context.logger),
            WaitingSweep(intake: intake, wakeUps: wakeUps, logger: context.logger),
            OutsideDeadLetters(pool: context.pool, intake: intake, wakeUps: wakeUps, logger: context.logger)
                .drain(of: broker),
            intakes,
        ]
        if let provisioner = try BrokerProvisioner(
            pool: context.pool, settings: context.settings, wakeUp: context.wakeUp, logger: context.logger)
        {
            services.append(provisioner)
        }
        return (services, [ReadinessCheck("intakes") { await intakes.problem() }])
    }

    static func outsidePlans(_ settings: Settings) throws -> [BrokerPlan] { [OutsideTopology.plan(settings: settings)] }
}
