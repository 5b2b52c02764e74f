import Events
import Inbox
import Migrations
import ServiceRuntime

@main
struct ApplicationsMain {
    static func main() async { await ServiceCommand<ApplicationsService>.main() }
}

/// Calls, consortia, drafts and submissions, eligibility, reviews, recommendations and decisions.
enum ApplicationsService: ServiceDefinition {
    static let owner = EventOwner.applications
    static let migrations = ApplicationsSchema.migrations
    static let appendOnlyTables = ApplicationsSchema.appendOnlyTables
    static let openAPI = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)

    static func describe(_ event: InboundEvent) -> BusinessWords? { DeadLetterWords.describe(event) }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        let (pool, clock) = (context.pool, context.clock)
        let applications = ApplicationStore()
        let grants = GrantStore()
        return ServiceParts(
            routes: { router in
                CallRoutes(calls: applications.calls, pool: pool, clock: clock).add(to: router)
                ApplicationRoutes(applications: applications, grants: grants, pool: pool, clock: clock).add(to: router)
                SelectionRoutes(applications: applications, pool: pool, clock: clock).add(to: router)
            },
            handlers: RuleSetConsumer(ruleSets: applications.ruleSets, stateAid: applications.stateAid).handlers
                + GrantConsumer(grants: grants).handlers
                + AgreementConsumer(applications: applications, grants: grants).handlers)
    }
}
