/// The languages that every page speaks.
package enum PageLanguage: String, Sendable, CaseIterable {
    case french = "fr"
    case english = "en"

    package var other: PageLanguage { self == .french ? .english : .french }

    /// The first of ours in an `Accept-Language` header, by its weights; nil where none of ours is wanted.
    package init?(accepted header: String) {
        var best: (language: PageLanguage, weight: Double)?
        for part in header.prefix(500).split(separator: ",") {
            let pieces = part.split(separator: ";").map { piece in String(piece.filter { $0 != " " }) }
            guard let tag = pieces.first, let language = PageLanguage(rawValue: tag.prefix(2).lowercased()),
                tag.utf8.count == 2 || tag.dropFirst(2).first == "-"
            else { continue }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if weight > 0, weight > best?.weight ?? 0 { best = (language, weight) }
        }
        guard let best else { return nil }
        self = best.language
    }

    package func callAsFunction(_ french: String, _ english: String) -> String {
        self == .french ? french : english
    }
}
