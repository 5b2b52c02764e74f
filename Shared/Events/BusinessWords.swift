/// A sentence for people who work in the programme, in both of its languages. It names things by their ids and amounts,
/// and never says a value about a person.
package struct BusinessWords: Sendable, Equatable, Encodable {
    package let fr: String
    package let en: String

    package init(fr: String, en: String) {
        self.fr = fr
        self.en = en
    }

    /// What has not happened yet, and because of what: `release of a tranche: third place … opened`.
    package init(_ effect: BusinessWords, because cause: BusinessWords) {
        self.init(fr: "\(effect.fr) : \(cause.fr)", en: "\(effect.en): \(cause.en)")
    }
}

/// Amounts as people write them, by integer arithmetic.
package enum EuroText {
    /// `12 345,67 €`
    package static func fr(_ cents: Int64) -> String { sign(cents) + whole(cents, " ") + "," + rest(cents) + " €" }

    /// `€12,345.67`
    package static func en(_ cents: Int64) -> String { sign(cents) + "€" + whole(cents, ",") + "." + rest(cents) }

    private static func sign(_ cents: Int64) -> String { cents < 0 ? "-" : "" }

    private static func whole(_ cents: Int64, _ separator: String) -> String {
        var digits = String(cents.magnitude / 100)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: separator)
    }

    private static func rest(_ cents: Int64) -> String {
        let rest = cents.magnitude % 100
        return rest < 10 ? "0\(rest)" : "\(rest)"
    }
}
