package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// The programme at one moment: what the money bought.
///
/// Every list has a fixed order, so that two answers over the same events are equal.
package struct Programme: Sendable, Equatable, Encodable {
    package struct Call: Sendable, Equatable, Encodable {
        package let call: String
        package let wave: Int
        package let title: String
        package let placesTarget: Int
    }

    package struct Places: Sendable, Equatable, Encodable {
        package let target: CountFigure
        package let funded: CountFigure
        package let reserve: CountFigure
        package let contracted: CountFigure
        package let opened: CountFigure
    }

    package struct Site: Sendable, Equatable, Encodable {
        package let site: String
        package let agreement: String?
        package let application: String?
        package let call: String?
        package let siren: String?
        package let openedAt: Date
    }

    package struct MilestoneLine: Sendable, Equatable, Encodable {
        package let experiment: String
        package let milestone: String
        package let responsesCountMin: Int
        package let responsesCount: Int
        /// Whether that many are valid now; false when some were taken back since.
        package let isReached: Bool
        /// When it was reached; absent while it is lost.
        package let reachedAt: Date?
        package let lostAt: Date?
        package let figure: String

        init(_ fact: ProgrammeFact) {
            experiment = fact.experiment?.figureText ?? ""
            milestone = fact.word ?? ""
            responsesCountMin = fact.target ?? 0
            responsesCount = fact.count ?? 0
            isReached = fact.reasons.isEmpty
            reachedAt = isReached ? fact.time : nil
            lostAt = isReached ? nil : fact.time
            figure = ProgrammeFigures.milestone(fact).text
        }
    }

    package let calls: [Call]
    package let places: Places
    package let money: ProgrammeMoney
    package let applications: ProgrammeApplications
    package let sites: [Site]
    package let experiments: [ExperimentLine]
    package let responses: [ResponseLine]
    package let milestones: [MilestoneLine]

    /// - Parameters:
    ///   - participants: enrolled persons per experiment.
    ///   - hidesSmallCells: whether cells of fewer than ``Scores/shownCountMin`` persons show no numbers.
    package init(
        facts: FactBook, participants: [UUID: Int64], tallies: [ResponseCell: ResponseTally], hidesSmallCells: Bool
    ) {
        let figures = ProgrammeFigures.book(of: facts)
        calls = facts.facts(.callPublished)
            .map {
                Call(
                    call: $0.key, wave: $0.ordinal ?? 0, title: $0.word ?? "", placesTarget: $0.target ?? 0)
            }
            .sorted { ($0.wave, $0.call) < ($1.wave, $1.call) }
        places = Places(
            target: figures.count(FigureID("places", "target")), funded: figures.count(FigureID("places", "funded")),
            reserve: figures.count(FigureID("places", "reserve")),
            contracted: figures.count(FigureID("places", "contracted")),
            opened: figures.count(FigureID("places", "opened")))
        money = ProgrammeMoney(facts: facts, figures: figures)
        applications = ProgrammeApplications(facts: facts, figures: figures)
        sites = facts.facts(.siteOpened).map {
            Site(
                site: $0.key, agreement: $0.agreement?.figureText, application: $0.application?.figureText,
                call: $0.call?.figureText, siren: $0.siren, openedAt: $0.time)
        }
        experiments = ExperimentLine.lines(facts, participants: participants, tallies: tallies, figures: figures)
        responses = tallies.sorted { $0.key < $1.key }
            .map { ResponseLine(cell: $0.key, tally: $0.value, hidesSmallCells: hidesSmallCells) }
        milestones = facts.facts(.milestone).map { MilestoneLine($0) }
    }
}
