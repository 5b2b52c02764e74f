import ArgumentParser
import Events
import Inbox
import Migrations
import Postgres
import ReportingDomain
import ServiceRuntime

@main
struct ReportingMain {
    static func main() async { await ServiceCommand<ReportingService>.main() }
}

/// Keeps what the other four publish, and shows what the money bought, with the events behind every figure;
/// publishes the evaluations of experiments.
enum ReportingService: ServiceDefinition {
    static let owner = EventOwner.reporting
    static let migrations = [
        MigrationFile(
            component: "reporting", name: "0001-received",
            sql: String(decoding: PackageResources._001_received_sql, as: UTF8.self)),
        MigrationFile(
            component: "reporting", name: "0002-projections",
            sql: String(decoding: PackageResources._002_projections_sql, as: UTF8.self)),
        MigrationFile(
            component: "reporting", name: "0003-ledger",
            sql: String(decoding: PackageResources._003_ledger_sql, as: UTF8.self)),
        MigrationFile(
            component: "reporting", name: "0004-personal-parts",
            sql: String(decoding: PackageResources._004_personal_parts_sql, as: UTF8.self)),
        MigrationFile(
            component: "reporting", name: "0005-ledger-seals",
            sql: String(decoding: PackageResources._005_ledger_seals_sql, as: UTF8.self)),
        MigrationFile(
            component: "reporting", name: "0006-evaluations",
            sql: String(decoding: PackageResources._006_evaluations_sql, as: UTF8.self)),
    ]
    static let appendOnlyTables = ["received", "ledger_seals", "evaluation_versions"]
    static let openAPI = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)

    static let commands: [any ParsableCommand.Type] = [LedgerCommand.self]

    static func describe(_ event: InboundEvent) -> BusinessWords? { DeadLetterWords.describe(event) }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        let programmes = ProgrammeStore(pool: context.pool)
        return ServiceParts(
            routes: { router in
                ProgrammeRoutes(programmes: programmes, clock: context.clock).add(to: router)
                FigureRoutes(programmes: programmes).add(to: router)
                EvaluationRoutes(evaluations: EvaluationStore(), pool: context.pool, clock: context.clock)
                    .add(to: router)
            },
            handlers: ApplicationsConsumer.handlers + FundingConsumer.handlers + ExperimentationConsumer.handlers
                + ParticipantConsumer.handlers + FeedbackConsumer.handlers + LedgerConsumer.handlers,
            services: [LedgerWatch(pool: context.pool, logger: context.logger)])
    }

    static func differences(on pool: PostgresPool) async throws -> [SumDifference] {
        try await LedgerCheckStore.compared(in: pool).filter { $0.ledgerCents != $0.factsCents }.map {
            SumDifference(
                name: "\($0.account) of the ledger, cents", expected: $0.ledgerCents, found: $0.factsCents)
        }
    }
}
