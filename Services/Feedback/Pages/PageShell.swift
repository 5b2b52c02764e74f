import Crypto
import FeedbackDomain
import HTTPTypes
import Hummingbird
import NIOCore

/// What is around every page: language, size, title, the way past it for a keyboard.
struct PageShell {
    var title: String
    var visit: Visit
    var body: HTML = ""
    /// The page's own address, for the switches; nil where there is none to go back to.
    var path: String?
    /// The same page in the other language, where that has an address of its own.
    var otherPath: String?
    /// The form whose contents the switches keep, by sending it.
    var form: String?
    /// The title begins with this where something has to be mended: it is the first that a screen reader says.
    var isFaulty = false

    init(title: String, visit: Visit, path: String? = nil) {
        self.title = title
        self.visit = visit
        self.path = path
    }

    func response(_ status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: document.text)))
    }

    private var document: HTML {
        let say = visit.language
        let prefix = isFaulty ? say("Erreur : ", "Error: ") : ""
        return """
            <!doctype html>
            <html lang="\(say.rawValue)" class="\(visit.isLarge ? "large" : "normal")">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(prefix)\(title) – Maillage</title>
            <link rel="stylesheet" href="\(PageStyle.path)">
            </head>
            <body>
            <a class="skip" href="#content">\(say("Aller au contenu", "Skip to content"))</a>
            <header class="top">
            <p class="brand">Maillage<span> · \(say("Votre avis en santé", "Your say in health"))</span></p>
            \(switches)
            </header>
            <main id="content">
            \(body)
            </main>
            <footer>
            <p>\(say(
                "Sans compte, sans cookie, sans publicité. Vos réponses restent dans l’expérimentation.",
                "No account, no cookies, no advertising. Your answers stay within the experiment."))</p>
            <p><a href="\(visit.link(say("/recu", "/receipt")))">\(say(
                "J’ai un code de reçu", "I have a receipt code"))</a></p>
            </footer>
            </body>
            </html>
            """
    }

    private var switches: HTML? {
        guard let path else { return nil }
        let say = visit.language
        let other = visit.language.other
        let language = other("Français", "English")
        let size = visit.isLarge ? say("Texte normal", "Normal text") : say("Grand texte", "Large text")
        let label = say("Langue et taille du texte", "Language and text size")
        if let form {
            // The switches send the form: what was entered is kept as a draft. The first button of a form is the one
            // that Enter presses in a field, so an unseen one before them sends the answer.
            return """
                <button class="default" form="\(form)" name="action" value="send" tabindex="-1" aria-hidden="true">\
                </button>
                <nav class="switches" aria-label="\(label)">
                <button form="\(form)" name="action" value="language" lang="\(other.rawValue)">\(language)</button>
                <button form="\(form)" name="action" value="size">\(size)</button>
                </nav>
                """
        }
        return """
            <nav class="switches" aria-label="\(label)">
            <a href="\(visit.inOtherLanguage.link(otherPath ?? path))" lang="\(other.rawValue)" \
            hreflang="\(other.rawValue)">\(language)</a>
            <a href="\(visit.inOtherSize.link(path))">\(size)</a>
            </nav>
            """
    }
}

/// The one style sheet. Its address changes with its text, so that a browser may keep it for ever.
enum PageStyle {
    private static let bytes = PackageResources.pages_css
    private static let name = "/pages/style-\(Array(SHA256.hash(data: bytes).prefix(6)).hexadecimal).css"
    static var path: String { name }

    static func response() -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/css; charset=utf-8", .cacheControl: "public, max-age=31536000, immutable"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
