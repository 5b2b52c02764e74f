import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Postgres

/// `/f/{token}/reponses` and `/f/{token}/answers`: what the site did with what was said, for the experiment's givers.
struct AnswersPages: Sendable {
    private static let answerCountMax = 50

    let givers: GiverStore
    let answers = SiteAnswerStore()
    let guesses: GuessGuard
    let pool: PostgresPool

    func add(to pages: RouterGroup<MaillageContext>) {
        for (language, path) in [(PageLanguage.french, "reponses"), (.english, "answers")] {
            pages.get("/f/{token}/\(path)") { request, context in
                try await show(request, context, language)
            }
        }
    }

    private func show(_ request: Request, _ context: MaillageContext, _ language: PageLanguage) async throws -> Response
    {
        let typed = try context.parameter("token")
        let found = try await guesses.look(context) { () -> (SecretWord, GiverSight)? in
            guard let link = SecretWord(typed), let sight = try await givers.sight(of: link) else { return nil }
            return (link, sight)
        }
        guard let (link, sight) = found, sight.invitation.withdrawnAt == nil else { throw Problem.notFound("link") }
        let visit = Visit(request, given: language)
        let say = visit.language
        var shell = PageShell(
            title: say("Vous avez dit, nous avons fait", "You said, we did"), visit: visit,
            path: "/f/\(link.text)/\(say("reponses", "answers"))")
        shell.otherPath = "/f/\(link.text)/\(say.other("reponses", "answers"))"
        shell.body = """
            <h1>\(say("Vous avez dit, nous avons fait", "You said, we did"))</h1>
            \(try await list(of: sight.invitation.experiment, say))
            """
        return shell.response()
    }

    /// What is published, newest first, each in the reader's language where there is a text in it.
    func list(of experiment: UUID, _ say: PageLanguage) async throws -> HTML {
        let found = try await answers.list(
            of: experiment, before: .max, limit: Self.answerCountMax, onlyPublished: true, in: pool)
        guard !found.isEmpty else {
            return "<p>\(say("L’équipe n’a pas encore répondu.", "The team has not answered yet."))</p>"
        }
        let items = found.compactMap { _, answer -> HTML? in
            guard let (text, language) = answer.text(for: say) else { return nil }
            return """
                <li><p lang="\(language.rawValue)">\(text)</p>
                <p class="hint">\(ParisDay(answer.publishedAt).words(in: say))</p></li>
                """
        }
        return "<ul class=\"said\">\(items)</ul>"
    }
}
