import FeedbackDomain
import HTTPDefaults
import Hummingbird
import Inbox
import Migrations
import ServiceLifecycle
import ServiceRuntime

/// Feedback from people without an account: invitations for the sites, pages for the givers.
enum Givers {
    static let migrations = [
        MigrationFile(
            component: "feedback", name: "0020-invitations",
            sql: String(decoding: PackageResources._020_invitations_sql, as: UTF8.self)),
        MigrationFile(
            component: "feedback", name: "0021-site-answers",
            sql: String(decoding: PackageResources._021_site_answers_sql, as: UTF8.self)),
        MigrationFile(
            component: "feedback", name: "0022-volunteers",
            sql: String(decoding: PackageResources._022_volunteers_sql, as: UTF8.self)),
    ]

    static let handlers = SiteConsumer.handlers

    static func add(to router: Router<MaillageContext>, context: BuildContext, intake: IntakeStore) {
        let (pool, clock) = (context.pool, context.clock)
        let submissions = GiverSubmissionStore(
            door: EventDoor(intake: intake, wakeUps: [context.wakeUp], kind: .page, logger: context.logger))
        let (givers, volunteers) = (GiverStore(pool: pool), VolunteerStore(pool: pool))
        let guesses = GuessGuard()
        InvitationRoutes(pool: pool, clock: clock).add(to: router)
        SiteAnswerRoutes(pool: pool, clock: clock).add(to: router)
        VolunteerRoutes(volunteers: volunteers, clock: clock).add(to: router)
        router.get("\(PageStyle.path)") { _, _ in PageStyle.response() }
        let pages = router.group().add(middleware: PageMiddleware())
        let answers = AnswersPages(givers: givers, guesses: guesses, pool: pool)
        answers.add(to: pages)
        GiverPages(givers: givers, submissions: submissions, guesses: guesses, clock: clock).add(to: pages)
        ReceiptPages(
            receipts: ReceiptStore(pool: pool), submissions: submissions, guesses: guesses, answers: answers
        ).add(to: pages)
        VolunteerPages(volunteers: volunteers, guesses: guesses, clock: clock).add(to: pages)
    }

    static func services(_ context: BuildContext) -> [any Service] {
        [
            GiverSweep(
                givers: GiverStore(pool: context.pool), volunteers: VolunteerStore(pool: context.pool),
                clock: context.clock, logger: context.logger)
        ]
    }
}
