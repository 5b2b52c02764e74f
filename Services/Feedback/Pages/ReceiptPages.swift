import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import ServiceRuntime

/// `/recu` and `/receipt`: whoever has the receipt code reads the answer, corrects it or takes it back. The code is in
/// no address: it travels in the forms alone.
struct ReceiptPages: Sendable {
    private static let paths: [PageLanguage: String] = [.french: "/recu", .english: "/receipt"]

    let receipts: ReceiptStore
    let submissions: GiverSubmissionStore
    let guesses: GuessGuard
    let answers: AnswersPages

    func add(to pages: RouterGroup<MaillageContext>) {
        for (language, path) in Self.paths {
            pages.get("\(path)") { request, _ in
                CodePage(typed: "", fault: nil).response(Visit(request, given: language))
            }
            pages.post("\(path)") { request, context in
                try await act(request, context, Visit(request, given: language))
            }
            pages.get("\(path)/{done}") { request, context in
                try Self.done(context.parameter("done"), Visit(request, given: language))
            }
        }
    }

    static func path(_ language: PageLanguage) -> String { language("/recu", "/receipt") }

    private func act(_ request: Request, _ context: MaillageContext, _ visit: Visit) async throws -> Response {
        let body = try await FormBody(request)
        let code: ReceiptCode
        do throws(ReceiptCode.Fault) {
            code = try ReceiptCode(parsing: body["code"])
        } catch {
            return CodePage(typed: body["code"], fault: error == .mistyped ? .mistyped : .malformed).response(visit)
        }
        guard let sight = try await guesses.look(context, { try await receipts.sight(of: code) }) else {
            return CodePage(typed: body["code"], fault: .unknown).response(visit)
        }
        var page = ReceiptPage(code: code, sight: sight, secret: SecretWord(body["form"]) ?? Secrets.word())
        page.answers = try await answers.list(of: sight.invitation.experiment, visit.language)
        switch body["action"] {
        case "edit" where sight.standing == .valid: return page.editing(visit)
        case "correct" where sight.standing == .valid: return try await correct(body, page, visit)
        case "ask" where page.mayWithdraw: return page.asking(visit)
        case "withdraw" where page.mayWithdraw: return try await withdraw(page, visit)
        default: return page.reading(visit)
        }
    }

    private func correct(_ body: FormBody, _ page: ReceiptPage, _ visit: Visit) async throws -> Response {
        guard let form = page.form(visit.language) else { return page.reading(visit) }
        let entry = QuestionnaireView.entry(body, form: form)
        let faults = entry.faults(in: form)
        guard faults.isEmpty else { return page.editing(visit, entry: entry, faults: faults) }
        let correction = GiverSubmission(
            kind: .correction, form: page.secret, answers: entry.choices, comment: entry.sentComment)
        return try await send(correction, page, visit, then: visit.language("corrige", "corrected"))
    }

    private func withdraw(_ page: ReceiptPage, _ visit: Visit) async throws -> Response {
        let withdrawal = GiverSubmission(kind: .withdrawal, form: page.secret)
        return try await send(withdrawal, page, visit, then: visit.language("retire", "withdrawn"))
    }

    private func send(
        _ submission: GiverSubmission, _ page: ReceiptPage, _ visit: Visit, then next: String
    ) async throws -> Response {
        let path = Self.path(visit.language)
        let target = GiverSubmissionStore.Target(invitation: page.sight.invitation, original: page.sight.number)
        switch try await submissions.send(submission, to: target) {
        case .accepted, .waiting: return .seeOther(visit.link("\(path)/\(next)"))
        // There was nothing to count any less; what was kept of it is gone.
        case .refused("amends-refused") where submission.kind == .withdrawal && page.sight.standing == .excluded:
            return .seeOther(visit.link("\(path)/\(next)"))
        case .refused(let reason): return NoticePage.refused(reason, visit, path: path).response(visit, .conflict)
        case .changedMeanwhile:
            return NoticePage.refused("amends-outdated", visit, path: path).response(visit, .conflict)
        case .exhausted: throw Problem(.tooManyRequests, "too-many-requests", "Too many attempts")
        }
    }

    private static func done(_ what: String, _ visit: Visit) throws(Problem) -> Response {
        let say = visit.language
        let (title, text) =
            switch what {
            case "corrige", "corrected":
                (
                    say("Votre réponse est corrigée", "Your answer is corrected"),
                    say(
                        "La nouvelle réponse remplace l’ancienne. Votre code reste le même.",
                        "The new answer replaces the old one. Your code stays the same.")
                )
            case "retire", "withdrawn":
                (
                    say("Votre réponse est retirée", "Your answer is withdrawn"),
                    say(
                        "Elle n’est plus comptée, ici ni dans les résultats.",
                        "It is no longer counted, neither here nor in the results.")
                )
            default: throw .notFound("page")
            }
        return NoticePage(
            title: title, text: [text], path: path(say), otherPath: path(say.other),
            next: (say("Ouvrir ma réponse", "Open my answer"), visit.link(path(say)))
        ).response(visit)
    }
}
