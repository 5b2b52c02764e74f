extension Instrument {
    /// What every installation knows. Others are published.
    package static let builtIn = [
        systemUsability("SUS", "1996", source: brooke), systemUsability("SUS", "F-SUS-2021", source: gronier),
        systemUsability("F-SUS", "2021", source: gronier), netPromoter, europeanQuality, visualAnalogue, likert,
        freeText,
    ]

    private static let brooke = "Brooke 1996; missing items: Bangor et al. 2009"
    private static let gronier = "Gronier & Baudet 2021, doi 10.1080/10447318.2021.1898828"

    /// Ten items, tenths of a point from 0 to 1,000: `2.5 × (Σ odd items (x − 1) + Σ even items (5 − x))` points. A
    /// missing item counts as the centre of the scale (Bangor et al. 2009; the French instructions say the same).
    private static func systemUsability(_ name: String, _ version: String, source: String) -> Instrument {
        let ids = (1...10).map { "sus-\($0)" }
        var scale = InstrumentScale(
            "usability", unit: "tenths of a point", method: .sum, factor: 25, items: ids,
            reversed: stride(from: 1, to: 10, by: 2).map { ids[$0] }, missing: .neutral)
        scale.neutralLevel = 3
        return Instrument(
            Key(name: name, version: version),
            title: Text(fr: "Échelle d'utilisabilité des systèmes", en: "System Usability Scale"),
            items: ids.map { Item(linkId: $0, levels: Levels(min: 1, max: 5), mayBeMissing: true) }, scales: [scale],
            source: source)
    }

    /// One question, eleven levels. Promoters 9 and 10, passives 7 and 8, detractors 0 to 6.
    private static let netPromoter = Instrument(
        Key(name: "NPS", version: "1"),
        title: Text(fr: "Intention de recommander", en: "Likelihood to recommend"),
        items: [Item(linkId: "nps-1", levels: Levels(min: 0, max: 10))],
        scales: [InstrumentScale("recommendation", unit: "points", method: .sum, items: ["nps-1"])],
        source: "Reichheld 2003, Harvard Business Review 81(12)")

    /// Five dimensions; any of them missing, there is no utility. The wording belongs to EuroQol and is not here.
    private static let europeanQuality: Instrument = {
        let ids = ["MO", "SC", "UA", "PD", "AD"]
        var scale = InstrumentScale("utility", unit: "millionths", method: .valueSet, items: ids)
        scale.valueSet = ValueSet.france.name
        return Instrument(
            Key(name: "EQ-5D-5L", version: "FR-5L-Andrade2020"), title: Text(fr: "EQ-5D-5L", en: "EQ-5D-5L"),
            items: ids.map { Item(linkId: $0, levels: Levels(min: 1, max: 5), mayBeMissing: true) }, scales: [scale],
            source: "Andrade et al. 2020, doi 10.1007/s40273-019-00876-4")
    }()

    private static let visualAnalogue = Instrument(
        Key(name: "EQ-VAS", version: "1"), title: Text(fr: "EQ-VAS", en: "EQ-VAS"),
        items: [Item(linkId: "VAS", levels: Levels(min: 0, max: 100))],
        scales: [InstrumentScale("health", unit: "points", method: .sum, items: ["VAS"])],
        source: "EuroQol Group, EQ-5D-5L user guide")

    /// An example of an agreement scale: hundredths of a level, if at least three of five items are answered.
    private static let likert: Instrument = {
        let ids = (1...5).map { "agreement-\($0)" }
        var scale = InstrumentScale(
            "agreement", unit: "hundredths of a level", method: .mean, factor: 100, items: ids, missing: .mean)
        scale.answeredMin = 3
        return Instrument(
            Key(name: "LIKERT-5", version: "1"), title: Text(fr: "Échelle d'accord", en: "Agreement scale"),
            items: ids.map { Item(linkId: $0, levels: Levels(min: 1, max: 5), mayBeMissing: true) }, scales: [scale],
            source: "Likert 1932, Archives of Psychology 140")
    }()

    private static let freeText = Instrument(
        Key(name: "FREE-TEXT", version: "1"), title: Text(fr: "Texte libre", en: "Free text"),
        items: [Item(linkId: "text", levels: nil, mayBeMissing: true)], scales: [], source: "none: it has no score")
}

/// The instruments that responses are scored by: those that are built in, and those that were published.
package struct InstrumentCatalogue: Sendable {
    private static let builtIn = InstrumentCatalogue(Instrument.builtIn)

    private var versions: [String: [ScoringPlan]]

    private init(_ instruments: [Instrument]) {
        versions = Dictionary(grouping: instruments.map { ScoringPlan($0) }, by: \.instrument.name)
    }

    package init() { self = Self.builtIn }

    package mutating func add(_ instrument: Instrument) {
        guard self[instrument.name, instrument.version] == nil else { return }
        versions[instrument.name, default: []].append(ScoringPlan(instrument))
    }

    package subscript(name: String, version: String) -> Instrument? {
        plan(name, version)?.instrument
    }

    /// An instrument has a handful of versions.
    package func plan(_ name: String, _ version: String) -> ScoringPlan? {
        versions[name]?.first { $0.instrument.version == version }
    }

    package func versions(of name: String) -> [Instrument] { plans(of: name).map(\.instrument) }
    package func plans(of name: String) -> [ScoringPlan] { versions[name, default: []] }
    package func isKnown(_ name: String) -> Bool { versions[name] != nil }
    package var allNames: [String] { versions.keys.sorted() }
    package var all: [Instrument] {
        versions.values.joined().map(\.instrument).sorted { ($0.name, $0.version) < ($1.name, $1.version) }
    }
}
