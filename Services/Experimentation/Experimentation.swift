import Events
import Inbox
import Migrations
import ServiceRuntime

@main
struct ExperimentationMain {
    static func main() async { await ServiceCommand<ExperimentationService>.main() }
}

/// Sites and their reports, solutions, experiments, protocols and participants.
enum ExperimentationService: ServiceDefinition {
    static let owner = EventOwner.experimentation
    static let migrations = ExperimentationSchema.migrations
    static let appendOnlyTables = ExperimentationSchema.appendOnlyTables
    static let openAPI = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)

    static func describe(_ event: InboundEvent) -> BusinessWords? { DeadLetterWords.describe(event) }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        let (pool, clock) = (context.pool, context.clock)
        let experiments = ExperimentStore()
        let milestones = MilestoneStore()
        let reports = SiteReportStore(sites: experiments.sites)
        let participants = ParticipantStore(experiments: experiments)
        return ServiceParts(
            routes: { router in
                SiteRoutes(sites: experiments.sites, pool: pool, clock: clock).add(to: router)
                SiteReportRoutes(reports: reports, pool: pool, clock: clock).add(to: router)
                ExperimentRoutes(experiments: experiments, milestones: milestones, pool: pool, clock: clock)
                    .add(to: router)
                ParticipantRoutes(experiments: experiments, participants: participants, pool: pool, clock: clock)
                    .add(to: router)
            },
            handlers: RuleSetConsumer(ruleSets: experiments.ruleSets, stateAid: experiments.stateAid).handlers
                + AgreementConsumer(sites: experiments.sites).handlers
                + CofundingConsumer(experiments: experiments).handlers
                + MilestoneConsumer(milestones: milestones).handlers)
    }
}
