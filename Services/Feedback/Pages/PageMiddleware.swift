import FeedbackDomain
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Observability

/// What every page has: headers that let it do nothing but show itself, and errors as a page in the reader's language.
struct PageMiddleware: RouterMiddleware {
    typealias Context = MaillageContext

    @concurrent func handle(
        _ request: Request, context: MaillageContext,
        next: @concurrent (Request, MaillageContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            guard request.method != .post || SameOrigin.holds(request) else {
                throw Problem(.forbidden, "cross-origin", "The form was sent from another site")
            }
            response = try await next(request, context)
        } catch {
            let problem = ProblemMiddleware.problem(for: error)
            if problem.status.code >= 500 {
                context.logger.error(
                    "a page failed", error: error, metadata: [LogKeys.slug: .string(problem.slug)])
            }
            response = ErrorPage(problem: problem).response(Visit(request))
        }
        Self.secure(&response.headers)
        return response
    }

    static func secure(_ headers: inout HTTPFields) {
        headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in [
            ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex, nofollow"),
            ("Cross-Origin-Opener-Policy", "same-origin"), ("Permissions-Policy", "camera=(), geolocation=()"),
        ] {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    }
}

/// An error in words for somebody who did nothing wrong.
struct ErrorPage {
    let problem: Problem

    func response(_ visit: Visit) -> Response {
        let say = visit.language
        let (title, text) = words(say)
        var shell = PageShell(title: title, visit: visit)
        shell.body = """
            <h1>\(title)</h1>
            <p>\(text)</p>
            """
        var response = shell.response(problem.status)
        if let seconds = problem.headers[.retryAfter] { response.headers[.retryAfter] = seconds }
        return response
    }

    private func words(_ say: PageLanguage) -> (String, String) {
        switch problem.status.code {
        case 404:
            (
                say("Ce lien n’ouvre rien", "This link opens nothing"),
                say(
                    "Vérifiez qu’il est complet : recopiez-le en entier, ou demandez-en un nouveau à votre équipe.",
                    "Check that it is complete: copy the whole of it, or ask your team for a new one.")
            )
        case 429:
            (
                say("Trop d’essais", "Too many attempts"),
                say(
                    "Attendez une minute, puis essayez de nouveau.",
                    "Wait for a minute, then try again.")
            )
        case 400..<500:
            (
                say("Nous n’avons pas pu lire l’envoi", "We could not read what was sent"),
                say(
                    "Revenez à la page précédente et envoyez-la de nouveau.",
                    "Go back to the page before and send it again.")
            )
        default:
            (
                say("Un instant, s’il vous plaît", "One moment, please"),
                say(
                    "Le service ne répond pas pour le moment. Revenez à la page précédente dans quelques minutes et "
                        + "envoyez-la de nouveau : une réponse n’est comptée qu’une fois.",
                    "The service does not answer at the moment. Go back to the page before in a few minutes and send "
                        + "it again: an answer is counted once only.")
            )
        }
    }
}
