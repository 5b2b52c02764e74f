import FeedbackDomain
import HTTPTypes
import Hummingbird

/// How somebody looks at the pages: in which language, in which size. It travels in the addresses, so that no cookie is
/// needed.
struct Visit: Sendable {
    var language: PageLanguage
    var isLarge: Bool

    /// - Parameter given: the language that the page itself suggests; the giver's own choice comes first.
    init(_ request: Request, given: PageLanguage? = nil) {
        let parameters = request.uri.queryParameters
        let chosen = parameters["lang"].flatMap { PageLanguage(rawValue: String($0)) }
        let accepted = request.headers[.acceptLanguage].flatMap { PageLanguage(accepted: $0) }
        language = chosen ?? given ?? accepted ?? .french
        isLarge = parameters["size"] == "large"
    }

    /// The address of one of our pages, in this language and size.
    func link(_ path: String) -> String {
        path + "?lang=\(language.rawValue)" + (isLarge ? "&size=large" : "")
    }

    var inOtherLanguage: Visit {
        var copy = self
        copy.language = language.other
        return copy
    }

    var inOtherSize: Visit {
        var copy = self
        copy.isLarge.toggle()
        return copy
    }
}

/// Whether a form was sent from a page of ours. The secret in it protects already; this keeps another site from having
/// it sent by somebody who has the page open.
enum SameOrigin {
    /// Browsers that say where a request comes from say so in `Sec-Fetch-Site`. The others send `Origin`, which our
    /// referrer policy makes `null`.
    static func holds(_ request: Request) -> Bool {
        if let site = request.headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let origin = request.headers[.origin], origin != "null" else { return true }
        let host = origin.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init)
        return host == request.head.authority
    }
}

extension HTTPField.Name {
    // The name is a constant of letters and hyphens, which the initialiser takes.
    fileprivate static let secFetchSite =
        HTTPField.Name("Sec-Fetch-Site") ?? .origin
}
