import FeedbackDomain
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// An answer that a receipt code opened: to read, to correct, to take back.
struct ReceiptPage {
    let code: ReceiptCode
    let sight: ReceiptSight
    let secret: SecretWord
    /// What the site did with what was said.
    var answers: HTML?

    /// An answer that does not count may still be withdrawn: then it is erased.
    var mayWithdraw: Bool { sight.standing == .valid || sight.standing == .excluded && sight.isKept }

    func form(_ language: PageLanguage) -> GiverForm? { .of(sight.invitation.instrument, in: language) }

    func reading(_ visit: Visit) -> Response {
        let say = visit.language
        let day = ParisDay(sight.answeredAt).words(in: say)
        let lead =
            switch sight.standing {
            case .valid: say("Du \(day). Elle est comptée.", "Of \(day). It is counted.")
            case .retracted:
                say("Vous l’avez retirée. Elle n’est plus comptée.", "You have withdrawn it. It is no longer counted.")
            case .excluded:
                say(
                    "Du \(day). Elle n’est pas comptée : ce n’était pas le moment prévu, ou l’accord manquait.",
                    "Of \(day). It is not counted: it was not the time planned, or consent was missing.")
            }
        let buttons: HTML? = mayWithdraw ? choices(visit) : nil
        var shell = shell(say("Votre réponse", "Your answer"), visit)
        shell.body = """
            <h1>\(say("Votre réponse", "Your answer"))</h1>
            <p class="lead" role="status">\(lead)</p>
            \(values(say))
            \(buttons)
            \(said(say))
            """
        return shell.response()
    }

    func editing(_ visit: Visit, entry: GiverEntry? = nil, faults: [EntryFault] = []) -> Response {
        let say = visit.language
        guard let form = form(say) else { return reading(visit) }
        let stored = sight.values.map { values in
            GiverEntry(
                choicesText: values.choicesText, comment: values.comment, form: form)
        }
        let view = QuestionnaireView(
            form: form, entry: entry ?? stored ?? .blank(for: form), faults: faults, language: say)
        var shell = shell(say("Corriger ma réponse", "Correct my answer"), visit)
        shell.isFaulty = !faults.isEmpty
        shell.body = """
            \(view.summary)
            <h1>\(say("Corriger ma réponse", "Correct my answer"))</h1>
            <p class="lead">\(form.instructions)</p>
            \(opening(visit))
            \(view.fields)
            <div class="actions">
            <button class="primary" name="action" value="correct">\(say(
                "Envoyer la correction", "Send the correction"))</button>
            <button class="secondary" name="action" value="open">\(say(
                "Ne rien changer", "Change nothing"))</button>
            </div>
            </form>
            """
        return shell.response(faults.isEmpty ? .ok : .unprocessableContent)
    }

    func asking(_ visit: Visit) -> Response {
        let say = visit.language
        var shell = shell(say("Retirer ma réponse ?", "Withdraw my answer?"), visit)
        shell.body = """
            <h1>\(say("Retirer ma réponse ?", "Withdraw my answer?"))</h1>
            <p class="lead">\(sight.standing == .valid ? say(
                "Elle ne comptera plus. Vous n’avez pas à dire pourquoi, et rien ne change pour vous.",
                "It will no longer count. You need not say why, and nothing changes for you.") : say(
                "Elle n’est pas comptée ; son contenu sera effacé. Vous n’avez pas à dire pourquoi.",
                "It is not counted; its contents will be erased. You need not say why."))</p>
            \(opening(visit))
            <div class="actions">
            <button class="primary" name="action" value="withdraw">\(say(
                "Oui, la retirer", "Yes, withdraw it"))</button>
            <button class="secondary" name="action" value="open">\(say("Non, la garder", "No, keep it"))</button>
            </div>
            </form>
            """
        return shell.response()
    }

    private func shell(_ title: String, _ visit: Visit) -> PageShell {
        var shell = PageShell(title: title, visit: visit, path: ReceiptPages.path(visit.language))
        shell.otherPath = ReceiptPages.path(visit.language.other)
        return shell
    }

    /// The form's beginning: it carries the code, so that no address has to.
    private func opening(_ visit: Visit) -> HTML {
        """
        <form method="post" action="\(visit.link(ReceiptPages.path(visit.language)))" novalidate autocomplete="off">
        <input type="hidden" name="code" value="\(code.text)">
        <input type="hidden" name="form" value="\(secret.text)">
        """
    }

    private func choices(_ visit: Visit) -> HTML {
        let say = visit.language
        let edit: HTML? =
            sight.standing == .valid
            ? "<button class=\"primary\" name=\"action\" value=\"edit\">\(say("Corriger", "Correct"))</button>" : nil
        return """
            \(opening(visit))
            <div class="actions">
            \(edit)
            <button class="secondary" name="action" value="ask">\(say("Retirer", "Withdraw"))</button>
            </div>
            </form>
            """
    }

    private func said(_ say: PageLanguage) -> HTML? {
        answers.map { answers in
            """
            <section class="after" aria-labelledby="said-title">
            <h2 id="said-title">\(say("Vous avez dit, nous avons fait", "You said, we did"))</h2>
            \(answers)
            </section>
            """
        }
    }

    private func values(_ say: PageLanguage) -> HTML? {
        // It is not shown: another answer may stand in its place.
        if sight.standing == .excluded, sight.isKept { return nil }
        guard let values = sight.values, let form = form(say) else {
            return "<p>\(say("Son contenu a été effacé.", "Its contents were erased."))</p>"
        }
        let rows = zip(form.items, values.choices).map { item, choice -> HTML in
            let level = item.levels.first { $0.value == choice }
            let shown = level.map { level in
                level.meaning.map { "\(level.value) – \($0)" } ?? "\(level.value)"
            }
            return """
                <div><dt>\(item.question)</dt><dd>\(shown ?? say("sans réponse", "no answer"))</dd></div>
                """
        }
        let comment: HTML? = values.sentComment.map { comment in
            """
            <div><dt>\(say("Commentaire", "Comment"))</dt><dd class="comment">\(comment)</dd></div>
            """
        }
        return "<dl class=\"answers\">\(rows)\(comment)</dl>"
    }
}
