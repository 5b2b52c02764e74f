import FeedbackDomain
import HTTPTypes
import Hummingbird

/// Where a receipt code is entered.
struct CodePage {
    enum Fault {
        case malformed, mistyped, unknown
    }

    let typed: String
    let fault: Fault?

    func response(_ visit: Visit) -> Response {
        let say = visit.language
        let path = ReceiptPages.path(say)
        var shell = PageShell(title: say("Mon code de reçu", "My receipt code"), visit: visit, path: path)
        shell.otherPath = ReceiptPages.path(say.other)
        shell.isFaulty = fault != nil
        shell.body = """
            <h1>\(say("Mon code de reçu", "My receipt code"))</h1>
            <p class="lead">\(say(
                "Relisez votre réponse, corrigez-la ou retirez-la.",
                "Read your answer, correct it or withdraw it."))</p>
            <form method="post" action="\(visit.link(path))" novalidate autocomplete="off">
            \(CodeField(label: say("Code de reçu", "Receipt code"), typed: typed, fault: fault, say: say).html)
            <div class="actions">
            <button class="primary" name="action" value="open">\(say("Ouvrir ma réponse", "Open my answer"))</button>
            </div>
            </form>
            """
        return shell.response(fault == nil ? .ok : .unprocessableContent)
    }
}

/// The field that a code is typed into, with what is wrong about it.
struct CodeField {
    let label: String
    let typed: String
    let fault: CodePage.Fault?
    let say: PageLanguage

    var html: HTML {
        let error: HTML? = fault.map { fault in
            "<p class=\"error\" id=\"code-error\" role=\"alert\">\(words(for: fault))</p>"
        }
        let described: HTML = fault == nil ? "code-hint" : "code-hint code-error"
        return """
            <div class="item\(fault == nil ? "" : " faulty")">
            <label class="question" for="code">\(label)</label>
            <p class="hint" id="code-hint">\(say(
                "Quatre groupes de cinq lettres et deux chiffres, comme bamor-tisok-luvap-xanid-42.",
                "Four groups of five letters and two digits, such as bamor-tisok-luvap-xanid-42."))</p>
            \(error)
            <input class="text" id="code" name="code" value="\(typed)" spellcheck="false" autocapitalize="none" \
            aria-describedby="\(described)"\(flag: "autofocus", if: fault != nil)>
            </div>
            """
    }

    private func words(for fault: CodePage.Fault) -> String {
        switch fault {
        case .malformed:
            say(
                "Ce code n’est pas complet, ou une lettre n’en fait pas partie.",
                "This code is not complete, or has a letter that no code has.")
        case .mistyped:
            say(
                "Une lettre ou un chiffre ne va pas : comparez avec votre reçu.",
                "A letter or a digit is wrong: compare it with your receipt.")
        case .unknown: say("Aucune réponse n’a ce code.", "No answer has this code.")
        }
    }
}
