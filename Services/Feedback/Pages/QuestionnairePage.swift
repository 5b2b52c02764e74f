import FeedbackDomain
import FoundationEssentials
import Hummingbird

/// The questionnaire of a link, blank, as it was saved, or with what has to be mended.
struct QuestionnairePage {
    /// By this the switches in the head of the page send the form too.
    private static let formID = "questionnaire"

    let form: GiverForm
    let entry: GiverEntry
    var faults: [EntryFault] = []
    let secret: SecretWord
    let path: String
    let until: Date
    var savedAt: Date?

    func response(_ visit: Visit) -> Response {
        var shell = PageShell(title: form.title, visit: visit, path: path)
        shell.form = Self.formID
        shell.isFaulty = !faults.isEmpty
        shell.body = body(visit)
        return shell.response(faults.isEmpty ? .ok : .unprocessableContent)
    }

    private func body(_ visit: Visit) -> HTML {
        let say = visit.language
        let view = QuestionnaireView(form: form, entry: entry, faults: faults, language: say)
        return """
            \(view.summary)
            <h1>\(form.title)</h1>
            \(resumed(say))
            <p class="lead">\(form.instructions)</p>
            <p>\(say(
                "Répondez jusqu’au \(ParisDay(until).words(in: say)). Vous pouvez vous arrêter et reprendre plus tard.",
                "Answer until \(ParisDay(until).words(in: say)). You can stop and go on later."))</p>
            <form id="\(Self.formID)" method="post" action="\(visit.link(path))" novalidate autocomplete="off">
            <input type="hidden" name="form" value="\(secret.text)">
            \(view.fields)
            <div class="actions">
            <button class="primary" name="action" value="send">\(say("Envoyer ma réponse", "Send my answer"))</button>
            <button class="secondary" name="action" value="save">\(say(
                "Enregistrer et continuer plus tard", "Save and continue later"))</button>
            </div>
            </form>
            \(credit)
            """
    }

    private func resumed(_ say: PageLanguage) -> HTML? {
        savedAt.map { savedAt in
            """
            <p class="note" role="status">\(say(
                "Nous avons retrouvé ce que vous avez enregistré le \(ParisDay(savedAt).words(in: say)).",
                "We found what you saved on \(ParisDay(savedAt).words(in: say))."))</p>
            """
        }
    }

    private var credit: HTML? { form.credit.map { "<p class=\"credit\">\($0)</p>" } }
}
