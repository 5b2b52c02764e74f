import HTTPDefaults
import Hummingbird
import Migrations
import Outbox
import ServiceRuntime

/// Feedback from files.
struct Imports: Sendable {
    static let migrations = [
        MigrationFile(
            component: "feedback", name: "0030-imports",
            sql: String(decoding: PackageResources._030_imports_sql, as: UTF8.self)),
        MigrationFile(
            component: "feedback", name: "0031-import-attempts",
            sql: String(decoding: PackageResources._031_import_attempts_sql, as: UTF8.self)),
    ]

    private let context: BuildContext
    private let stepper: ImportStepper
    private let isDue = RelayWakeUp()

    init(_ context: BuildContext, intake: IntakeStore) {
        self.context = context
        stepper = ImportStepper(
            intake: intake, lineCountMax: context.settings.count(FeedbackSettings.importBatch))
    }

    func add(to router: Router<MaillageContext>, access: PublisherAccess, gate: EventGate) {
        let (pool, clock, isDue) = (context.pool, context.clock, isDue)
        ImportMappingRoutes(access: access, pool: pool, clock: clock).add(to: router)
        ImportRoutes(
            access: access, gate: gate, imports: ImportStore(pool: pool), stepper: stepper,
            signal: { isDue.signal() }, clock: clock
        ).add(to: router)
        ImportReadingRoutes(access: access, readings: ImportReadings(pool: pool)).add(to: router)
    }

    var service: ImportRunner {
        ImportRunner(
            stepper: stepper, imports: ImportStore(pool: context.pool), clock: context.clock, isDue: isDue,
            wakeUp: context.wakeUp, logger: context.logger)
    }
}
