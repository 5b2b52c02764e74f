import FeedbackDomain
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// A page that says one thing, and what can be done next.
struct NoticePage {
    let title: String
    let text: [String]
    /// Where the page's own switches lead.
    let path: String
    var otherPath: String?
    var next: (label: String, link: String)?
    var also: (label: String, link: String)?

    func response(_ visit: Visit, _ status: HTTPResponse.Status = .ok) -> Response {
        var shell = PageShell(title: title, visit: visit, path: path)
        shell.otherPath = otherPath
        let link: HTML? = next.map { "<p><a class=\"button\" href=\"\($0.link)\">\($0.label)</a></p>" }
        let second: HTML? = also.map { "<p><a href=\"\($0.link)\">\($0.label)</a></p>" }
        shell.body = """
            <div class="notice" role="status">
            <h1>\(title)</h1>
            \(text.map { "<p>\($0)</p>" as HTML })
            </div>
            \(link)
            \(second)
            """
        return shell.response(status)
    }

    static func refused(_ reason: String, _ visit: Visit, path: String) -> NoticePage {
        let say = visit.language
        return NoticePage(
            title: say("Cette réponse n’est pas comptée", "This answer is not counted"),
            text: [RefusalWords.text(reason, in: say)], path: path)
    }

    static func saved(_ visit: Visit, path: String, until: Date) -> NoticePage {
        let say = visit.language
        return NoticePage(
            title: say("C’est enregistré", "It is saved"),
            text: [
                say(
                    "Rien n’est encore envoyé. Le même lien ouvre de nouveau cette page, jusqu’au "
                        + "\(ParisDay(until).words(in: say)) : gardez-le.",
                    "Nothing is sent yet. The same link opens this page again, until "
                        + "\(ParisDay(until).words(in: say)): keep it."),
                say(
                    "Qui a ce lien peut lire votre brouillon. Ne le donnez à personne.",
                    "Whoever has the link can read your draft. Give it to nobody."),
            ], path: path + "/plus-tard",
            next: (say("Continuer maintenant", "Continue now"), visit.link(path)))
    }
}

/// Why a link does not open the questionnaire now.
struct StandingPage {
    let standing: GiverStanding
    let path: String

    init(_ standing: GiverStanding, path: String) {
        self.standing = standing
        self.path = path
    }

    func response(_ visit: Visit, _ status: HTTPResponse.Status = .ok) -> Response {
        let say = visit.language
        let (title, text) = words(say)
        var page = NoticePage(title: title, text: [text], path: path)
        if standing != .withdrawn {
            page.also = (
                say("Vous avez dit, nous avons fait", "You said, we did"),
                visit.link("\(path)/\(say("reponses", "answers"))")
            )
        }
        if standing == .answered {
            page.next = (
                say("Relire ou corriger ma réponse", "Read or correct my answer"),
                visit.link(say("/recu", "/receipt"))
            )
        }
        return page.response(visit, status)
    }

    private func words(_ say: PageLanguage) -> (String, String) {
        switch standing {
        case .answered:
            (
                say("Merci, votre réponse est arrivée", "Thank you, your answer has arrived"),
                say(
                    "Pour la relire, la corriger ou la retirer, utilisez le code de reçu qui vous a été donné.",
                    "To read, correct or withdraw it, use the receipt code that you were given.")
            )
        case .early(let opensAt):
            (
                say("C’est un peu tôt", "It is a little early"),
                opensAt.map { date in
                    say(
                        "Ces questions s’ouvrent le \(ParisDay(date).words(in: say)). Gardez ce lien jusque-là.",
                        "These questions open on \(ParisDay(date).words(in: say)). Keep this link until then.")
                }
                    ?? say(
                        "L’expérimentation n’a pas encore commencé. Gardez ce lien.",
                        "The experiment has not begun yet. Keep this link.")
            )
        case .withdrawn:
            (
                say("Ce lien n’est plus valable", "This link is no longer valid"),
                say(
                    "L’équipe qui vous l’a donné l’a annulé. Demandez-lui pourquoi, ou un nouveau lien.",
                    "The team that gave it to you has withdrawn it. Ask them why, or for a new one.")
            )
        case .expired, .over, .open:
            (
                say("Ces questions sont closes", "These questions are closed"),
                say(
                    "Le temps prévu pour répondre est passé. Votre équipe peut vous en dire plus.",
                    "The time planned for answering is over. Your team can tell you more.")
            )
        }
    }
}

/// After an answer was taken in: the receipt code, once.
struct ThanksPage {
    /// nil when it may not be shown any more.
    let code: ReceiptCode?
    let path: String
    /// The page's own address.
    let here: String

    func response(_ visit: Visit) -> Response {
        let say = visit.language
        guard let code else { return StandingPage(.answered, path: path).response(visit) }
        var shell = PageShell(title: say("Merci, c’est envoyé", "Thank you, it is sent"), visit: visit, path: here)
        let receipt = visit.link(say("/recu", "/receipt"))
        shell.body = """
            <div class="notice" role="status">
            <h1>\(say("Merci, c’est envoyé", "Thank you, it is sent"))</h1>
            <p>\(say("Votre réponse est arrivée et compte une fois.", "Your answer has arrived and counts once."))</p>
            </div>
            <section class="receipt" aria-labelledby="code-title">
            <h2 id="code-title">\(say("Votre code de reçu", "Your receipt code"))</h2>
            <p class="code">\(code.text)</p>
            <p>\(say(
                "Notez-le ou imprimez cette page : il n’est montré qu’ici, et nous ne pouvons pas le retrouver.",
                "Write it down or print this page: it is shown only here, and we cannot find it again."))</p>
            <p>\(say(
                "Avec ce code, vous pouvez relire votre réponse, la corriger ou la retirer.",
                "With this code you can read your answer, correct it or withdraw it."))</p>
            </section>
            <p class="screen"><a class="button" href="\(receipt)">\(say("Ouvrir ma réponse", "Open my answer"))</a></p>
            """
        return shell.response()
    }
}
