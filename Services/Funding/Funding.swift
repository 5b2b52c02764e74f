import ArgumentParser
import BankMessages
import Events
import HTTPDefaults
import Hummingbird
import Inbox
import Migrations
import ServiceRuntime

@main
struct FundingMain {
    static func main() async { await ServiceCommand<FundingService>.main() }
}

/// The money of the programme: envelopes, grants, agreements, tranches and payments over a double-entry ledger.
enum FundingService: ServiceDefinition {
    static let owner = EventOwner.funding
    static let migrations = FundingSchema.migrations
    static let appendOnlyTables = FundingSchema.appendOnlyTables
    static let readOnlyTables = FundingSchema.readOnlyTables
    static let openAPI = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)

    static let settings = FundingSettings.all
    static let commands: [any ParsableCommand.Type] = [LedgerCommand.self]

    static func describe(_ event: InboundEvent) -> BusinessWords? { DeadLetterWords.describe(event) }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        let grants = GrantStore()
        let allotments = AllotmentStore(grants: grants)
        let envelopes = EnvelopeStore(allotments: allotments)
        let recoveries = RecoveryStore()
        let tranches = TrancheStore(recoveries: recoveries)
        let agreements = AgreementStore(tranches: tranches)
        let payments = PaymentStore(
            tranches: tranches,
            secondApprovalFromCents: Int64(context.settings.count(FundingSettings.secondApprovalFrom)) * 100)
        let changes = AgreementChanges(agreements: agreements, grants: grants)
        let cofunding = CofundingStore(grants: grants, agreements: agreements)
        let reservations = ReservationStore()
        let desk = ReservationDesk(reservations: reservations, pool: context.pool)

        let commands = Commands(pool: context.pool, clock: context.clock)
        let inbound = InboundContext(clock: context.clock)
        let clerk = ReminderClerk(
            reminders: StatementReminders(pool: context.pool, clock: context.clock),
            interval: context.settings.duration(FundingSettings.reminderInterval), logger: context.logger)
        let evidence = EvidenceConsumer(
            agreements: agreements, tranches: tranches, cofunding: cofunding, context: inbound)
        return ServiceParts(
            routes: { router in
                RuleSetRoutes(ruleSets: RuleSetStore(allotments: allotments), commands: commands).add(to: router)
                StateAidRulesRoutes(rules: StateAidRulesStore(allotments: allotments), commands: commands)
                    .add(to: router)
                UndertakingRoutes(
                    undertakings: UndertakingStore(allotments: allotments),
                    export: DeMinimisExport(funder: FundingSettings.funder(context.settings)), commands: commands
                ).add(to: router)
                DryRunRoutes(commands: commands).add(to: router)
                ProgrammeRoutes(programmes: ProgrammeStore(), envelopes: envelopes, commands: commands).add(to: router)
                ReservationRoutes(reservations: reservations, desk: desk, commands: commands).add(to: router)
                LedgerRoutes(ledger: LedgerReadings(pool: context.pool)).add(to: router)
                EnvelopeRoutes(envelopes: envelopes, commands: commands).add(to: router)
                GrantRoutes(grants: grants, commands: commands).add(to: router)
                AgreementRoutes(agreements: agreements, payments: payments, commands: commands).add(to: router)
                AgreementChangeRoutes(changes: changes, recoveries: recoveries, commands: commands).add(to: router)
                AmendmentRoutes(amendments: AmendmentStore(changes: changes), commands: commands).add(to: router)
                StatementRoutes(statements: StatementStore(agreements: agreements), commands: commands)
                    .add(to: router)
                SettlementRoutes(
                    settlements: SettlementStore(changes: changes, recoveries: recoveries), commands: commands
                ).add(to: router)
                RecoveryRoutes(recoveries: recoveries, commands: commands).add(to: router)
                OpenDataRoutes(
                    openData: OpenDataStore(funder: FundingSettings.funder(context.settings), agreements: agreements),
                    commands: commands
                ).add(to: router)
                PaymentBatchRoutes(
                    batches: FundingSettings.debtor(context.settings).map {
                        PaymentBatchStore(payments: payments, debtor: $0)
                    },
                    bank: BankMessageStore(
                        payments: payments, debtorIBAN: FundingSettings.debtor(context.settings)?.iban),
                    commands: commands
                ).add(to: router)
                TrancheRoutes(tranches: tranches, payments: payments, commands: commands).add(to: router)
                PaymentRoutes(payments: payments, commands: commands).add(to: router)
            },
            handlers: CallConsumer(envelopes: envelopes).handlers
                + ApplicationConsumer(allotments: allotments, context: inbound).handlers
                + CofundingConsumer(cofunding: cofunding, context: inbound).handlers
                + evidence.handlers,
            services: [desk.combiner, clerk],
            checkpoint: { range, transaction in try await LedgerCheckpointStore.events(range, in: transaction) })
    }
}
