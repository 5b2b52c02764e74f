import CofundingRules
import FundingDomain
import Testing

/// Agreements whose essential data are published.
enum SubsidyControls {
    static let caisseDesDepots = SubsidyFunder(name: "Caisse des dépôts et consignations", siret: "18002002600019")

    static func day(_ text: String) throws -> CalendarDay { try #require(CalendarDay(text)) }

    /// A beneficiary of private law that is paid in parts.
    static func line(
        _ name: String = "Gérontopôle «Bien vieillir»", siret: String = "20003452800014", cents: Int64? = 30_000_000,
        isPrivateLaw: Bool = true
    ) throws -> SubsidyLine {
        SubsidyLine(
            name: name, siret: siret, cents: cents, conditions: .staged,
            period: PaymentPeriod(first: try day("2026-03-10"), last: try day("2028-12-31")), isDeMinimis: false,
            isPrivateLaw: isPrivateLaw)
    }

    /// One beneficiary unless lines are given; the granted amount is what they add up to.
    static func agreement(
        _ reference: String = "TLE-2026-001", signedOn: String? = "2026-03-02", lines: [SubsidyLine]? = nil
    ) throws -> SubsidyAgreement {
        let lines = try lines ?? [line()]
        return SubsidyAgreement(
            reference: reference, signedOn: try signedOn.map(day),
            object: "Animation d'un tiers-lieu d'expérimentation", funder: caisseDesDepots,
            grantedCents: lines.reduce(0) { $0 + ($1.cents ?? 0) }, lines: lines)
    }

    /// The one row of an agreement with one beneficiary.
    static func row(
        of agreement: SubsidyAgreement, _ meaning: SubsidyAmountMeaning = .beneficiarysPart
    ) throws -> SubsidyRow {
        let rows = agreement.rows(meaning)
        try #require(rows.count == 1)
        return rows[0]
    }

    static func record(_ change: (inout SubsidyAgreement) throws -> Void = { _ in }) throws -> SubsidyRecord {
        var agreement = try agreement()
        try change(&agreement)
        return try #require(row(of: agreement).record)
    }
}

/// Random agreements with every kind of text, amount and payment that may be published.
struct RandomAgreements {
    private var random: SeededGenerator
    private var count = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private static let words = [
        "Hôpital", "d'été", "«Cœur»", "\"Atelier\"", "l’Île-de-Ré", "n°7,", "A;", "ÉHPAD", "50 %", "R&D", "a=b", "+33",
        "Straße", "東京", "🩺", "e\u{301}cole", "(ex-\"CH\")", "Évaluation", "2026/2028", "-", "x@y.fr", "'t", "fin.",
    ]
    /// A text may begin with these, and go on with them after a semicolon.
    private static let beginnings = ["Association", "Œuvre", "3R Santé", "«Le Lien»", "ÉTS"]

    mutating func next() throws -> SubsidyAgreement {
        count += 1
        let lineCount = Int.random(in: 1...3, using: &random)
        var lines: [SubsidyLine] = []
        var sirets: Set<String> = []
        while lines.count < lineCount {
            let siret = siret()
            if sirets.insert(siret).inserted { lines.append(try line(siret: siret)) }
        }
        return SubsidyAgreement(
            reference: "TLE-\(count)/\(text().prefix(20))".trimmed, signedOn: try day(), object: text(),
            funder: SubsidyControls.caisseDesDepots, grantedCents: lines.reduce(0) { $0 + ($1.cents ?? 0) },
            lines: lines)
    }

    private mutating func line(siret: String) throws -> SubsidyLine {
        let first = try day()
        let last = try day()
        let conditions: PaymentConditions =
            switch Int.random(in: 0...2, using: &random) {
            case 0: .single
            case 1: .staged
            default: .other(text())
            }
        let isOneDay = conditions != .staged && Bool.random(using: &random)
        let period =
            isOneDay || first == last
            ? PaymentPeriod(on: first) : PaymentPeriod(first: min(first, last), last: max(first, last))
        let natures: [Set<SubsidyNature>] = [[.money], [.kind], [.money, .kind]]
        return SubsidyLine(
            name: text(), siret: siret,
            cents: Int64(clamping: random.next() >> UInt64.random(in: 20...62, using: &random)) + 1,
            natures: natures[Int.random(in: 0...2, using: &random)],
            conditions: first == last && conditions == .staged ? .single : conditions, period: period,
            aidID: Bool.random(using: &random) ? "\(Int.random(in: 1...99_999, using: &random))" : nil,
            isDeMinimis: Bool.random(using: &random), isPrivateLaw: true)
    }

    mutating func text() -> String {
        var text = Self.beginnings[Int.random(in: 0..<Self.beginnings.count, using: &random)]
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let words = text.hasSuffix(";") ? Self.beginnings : Self.words
            text += " " + words[Int.random(in: 0..<words.count, using: &random)]
        }
        return text
    }

    mutating func day() throws -> CalendarDay {
        try #require(
            CalendarDay(
                year: Int.random(in: 2018...2035, using: &random), month: Int.random(in: 1...12, using: &random),
                day: Int.random(in: 1...28, using: &random)))
    }

    /// Eight digits and a key, then four and another.
    mutating func siret() -> String {
        let siren = keyed((0..<8).map { _ in Int.random(in: 1...9, using: &random) })
        return keyed(siren + (0..<4).map { _ in Int.random(in: 0...9, using: &random) }).map(String.init).joined()
    }

    mutating func siren() -> String { String(siret().prefix(9)) }

    private func keyed(_ digits: [Int]) -> [Int] {
        let sum = digits.reversed().enumerated().reduce(0) { sum, item in
            let doubled = item.offset % 2 == 0 ? item.element * 2 : item.element
            return sum + (doubled > 9 ? doubled - 9 : doubled)
        }
        return digits + [(10 - sum % 10) % 10]
    }
}

extension String {
    /// Without blanks at the end.
    fileprivate var trimmed: String {
        var text = self
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
