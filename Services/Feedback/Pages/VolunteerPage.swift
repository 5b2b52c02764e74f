import FeedbackDomain
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// What is open, and where somebody who wants to help can be reached.
struct VolunteerPage {
    enum Fault {
        case opening, contact, consent
    }

    let openings: [VolunteerOpening]
    let secret: SecretWord
    var chosen: UUID?
    var contact = ""
    var consents = false
    var faults: [Fault] = []

    mutating func check(_ contact: VolunteerContact?) {
        faults = []
        if !openings.contains(where: { $0.id == chosen }) { faults.append(.opening) }
        if contact == nil { faults.append(.contact) }
        if !consents { faults.append(.consent) }
    }

    func response(_ visit: Visit) -> Response {
        let say = visit.language
        let path = VolunteerPages.path(say)
        var shell = PageShell(title: say("Participer", "Take part"), visit: visit, path: path)
        shell.otherPath = VolunteerPages.path(say.other)
        shell.isFaulty = !faults.isEmpty
        shell.body = """
            \(summary(say))
            <h1>\(say("Participer", "Take part"))</h1>
            <p class="lead">\(say(
                "Aidez à imaginer ou à essayer des solutions de santé près de chez vous.",
                "Help to imagine or to try health solutions near you."))</p>
            \(openings.isEmpty ? nothing(say) : form(visit))
            <p><a href="\(visit.link(VolunteerPages.leavingPath(say)))">\(say(
                "Je ne veux plus participer", "I no longer want to take part"))</a></p>
            """
        return shell.response(faults.isEmpty ? .ok : .unprocessableContent)
    }

    private func nothing(_ say: PageLanguage) -> HTML {
        """
        <p class="note">\(say(
            "Rien n’est ouvert pour le moment. Revenez bientôt.",
            "Nothing is open at the moment. Please come back soon."))\
        </p>
        """
    }

    private func summary(_ say: PageLanguage) -> HTML? {
        guard !faults.isEmpty else { return nil }
        let links = faults.map { fault -> HTML in
            "<li><a href=\"#\(target(of: fault))\">\(words(for: fault, say))</a></li>"
        }
        return """
            <div class="faults" role="alert" tabindex="-1" autofocus aria-labelledby="faults-title">
            <h2 id="faults-title">\(say("À compléter avant l’envoi", "To complete before sending"))</h2>
            <ul>
            \(links)
            </ul>
            </div>
            """
    }

    private func form(_ visit: Visit) -> HTML {
        let say = visit.language
        return """
            <form method="post" action="\(visit.link(VolunteerPages.path(say)))" novalidate autocomplete="off">
            <input type="hidden" name="form" value="\(secret.text)">
            <div class="trap" aria-hidden="true">
            <label for="website">\(say("Laissez ce champ vide", "Leave this field empty"))</label>
            <input id="website" name="website" tabindex="-1">
            </div>
            <fieldset class="item\(faults.contains(.opening) ? " faulty" : "")">
            <legend>\(say("À quoi voulez-vous participer ?", "What do you want to take part in?"))</legend>
            <div>
            \(error(.opening, say))
            \(openings.map { choice($0, say) })
            </div>
            </fieldset>
            <div class="item\(faults.contains(.contact) ? " faulty" : "")">
            <label class="question" for="contact">\(say(
                "Votre adresse électronique ou votre téléphone", "Your e-mail address or telephone number"))</label>
            <p class="hint" id="contact-hint">\(say(
                "Une seule, pour que l’équipe puisse vous joindre.", "One only, so that the team can reach you."))</p>
            \(error(.contact, say))
            <input class="text" id="contact" name="contact" value="\(contact)" aria-describedby="contact-hint">
            </div>
            <div class="item\(faults.contains(.consent) ? " faulty" : "")">
            \(error(.consent, say))
            <label class="choice"><input type="checkbox" id="consent" name="consent" value="yes"\
            \(flag: "checked", if: consents)>
            <span>\(say(
                "J’accepte que l’équipe de cette expérimentation, elle seule, me joigne à ce sujet. Mes coordonnées "
                    + "sont effacées après \(VolunteerContact.retentionDays) jours, ou dès que je le demande.",
                "I agree that the team of this experiment, and nobody else, may reach me about it. My contact is "
                    + "deleted after \(VolunteerContact.retentionDays) days, or as soon as I ask."))</span></label>
            </div>
            <div class="actions">
            <button class="primary">\(say("Proposer mon aide", "Offer my help"))</button>
            </div>
            </form>
            """
    }

    private func choice(_ opening: VolunteerOpening, _ say: PageLanguage) -> HTML {
        let kind =
            opening.kind == .codesign ? say("Co-conception", "Co-design") : say("Expérimentation", "Experiment")
        let anchor: HTML = opening.id == openings.first?.id ? " id=\"opening\"" : ""
        return """
            <label class="choice"><input type="radio"\(anchor) name="opening" \
            value="\(opening.id.uuidString)"\(flag: "checked", if: opening.id == chosen)>
            <span>\(say(opening.french, opening.english))<br><span class="hint">\(kind)</span></span></label>
            """
    }

    private func error(_ fault: Fault, _ say: PageLanguage) -> HTML? {
        faults.contains(fault) ? "<p class=\"error\">\(words(for: fault, say))</p>" : nil
    }

    private func target(of fault: Fault) -> String {
        switch fault {
        case .opening: "opening"
        case .contact: "contact"
        case .consent: "consent"
        }
    }

    private func words(for fault: Fault, _ say: PageLanguage) -> String {
        switch fault {
        case .opening:
            say("Choisissez une proposition qui est encore ouverte", "Choose something that is still open")
        case .contact:
            say(
                "Donnez une adresse comme prenom@exemple.fr, ou un numéro comme 06 12 34 56 78",
                "Give an address such as name@example.org, or a number such as +33 6 12 34 56 78")
        case .consent: say("Cochez la case pour donner votre accord", "Tick the box to agree")
        }
    }
}

/// After somebody volunteered: the code that takes it back, once.
struct VolunteerThanksPage {
    /// nil when it may not be shown any more.
    let code: ReceiptCode?

    func response(_ visit: Visit) -> Response {
        let say = visit.language
        let title = say("Merci de vouloir aider", "Thank you for wanting to help")
        var shell = PageShell(title: title, visit: visit)
        let shown: HTML? = code.map { code in
            """
            <section class="receipt" aria-labelledby="code-title">
            <h2 id="code-title">\(say("Votre code de retrait", "Your code to leave"))</h2>
            <p class="code">\(code.text)</p>
            <p>\(say(
                "Notez-le : avec lui, vos coordonnées sont effacées sur-le-champ. Il n’est montré qu’ici.",
                "Write it down: with it your contact is deleted at once. It is shown only here."))</p>
            </section>
            """
        }
        shell.body = """
            <div class="notice" role="status">
            <h1>\(title)</h1>
            <p>\(say("L’équipe vous joindra si elle a besoin de vous.", "The team will reach you if it needs you."))</p>
            </div>
            \(shown)
            """
        return shell.response()
    }
}

/// Where the code to leave is entered.
struct LeavingPage {
    let typed: String
    let fault: CodePage.Fault?

    func response(_ visit: Visit) -> Response {
        let say = visit.language
        let path = VolunteerPages.leavingPath(say)
        let title = say("Ne plus participer", "Take part no more")
        var shell = PageShell(title: title, visit: visit, path: path)
        shell.otherPath = VolunteerPages.leavingPath(say.other)
        shell.isFaulty = fault != nil
        shell.body = """
            <h1>\(title)</h1>
            <form method="post" action="\(visit.link(path))" novalidate autocomplete="off">
            \(CodeField(label: say("Code de retrait", "Code to leave"), typed: typed, fault: fault, say: say).html)
            <div class="actions">
            <button class="primary">\(say("Effacer mes coordonnées", "Delete my contact"))</button>
            </div>
            </form>
            """
        return shell.response(fault == nil ? .ok : .unprocessableContent)
    }
}
