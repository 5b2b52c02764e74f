package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// One experiment: how far it is, who takes part, what it costs.
package struct ExperimentLine: Sendable, Equatable, Encodable {
    package struct Cofunding: Sendable, Equatable, Encodable {
        /// `approved`, `refused` or `none`.
        package let state: String
        package let cents: Int64
        package let figure: String
    }

    package let experiment: String
    package let site: String?
    package let agreement: String?
    /// `registered`, `approved`, `running`, `completed` or `terminated`.
    package let state: String
    package let legalQualification: String?
    package let participantsTarget: Int?
    package let participants: CountFigure
    package let responsesCount: Int64
    package let cofunding: Cofunding
    package let startedAt: Date?
    package let completedAt: Date?
    package let terminatedAt: Date?

    static func lines(
        _ facts: FactBook, participants: [UUID: Int64], tallies: [ResponseCell: ResponseTally], figures: FigureBook
    ) -> [ExperimentLine] {
        func byExperiment(_ kind: FactKind) -> [UUID: ProgrammeFact] {
            Dictionary(
                facts.facts(kind).compactMap { fact in fact.experiment.map { ($0, fact) } }
            ) { first, _ in first }
        }
        let registered = byExperiment(.experimentRegistered)
        let approved = byExperiment(.protocolApproved)
        let started = byExperiment(.experimentStarted)
        let completed = byExperiment(.experimentCompleted)
        let terminated = byExperiment(.experimentTerminated)
        // The furthest that is known holds.
        let states = [
            (name: "terminated", facts: terminated), (name: "completed", facts: completed),
            (name: "running", facts: started), (name: "approved", facts: approved),
        ]
        let granted = byExperiment(.cofundingApproved)
        let refused = byExperiment(.cofundingRefused)
        let responses = tallies.reduce(into: [UUID: Int64]()) { $0[$1.key.experiment, default: 0] += $1.value.count }
        let all = Set(registered.keys).union(approved.keys).union(started.keys).union(completed.keys)
            .union(terminated.keys).union(participants.keys).union(responses.keys)
        return all.sorted { $0.uuidString < $1.uuidString }
            .map { id in
                let base = registered[id] ?? started[id] ?? completed[id] ?? terminated[id]
                return ExperimentLine(
                    experiment: id.figureText, site: base?.site?.figureText, agreement: base?.agreement?.figureText,
                    state: states.first { $0.facts[id] != nil }?.name ?? "registered",
                    legalQualification: approved[id]?.word, participantsTarget: registered[id]?.target,
                    participants: CountFigure(
                        count: participants[id, default: 0], figure: FigureID("participants", id).text),
                    responsesCount: responses[id, default: 0],
                    cofunding: Cofunding(
                        state: granted[id] != nil ? "approved" : refused[id] != nil ? "refused" : "none",
                        cents: figures.total(FigureID("cofunding", id)), figure: FigureID("cofunding", id).text),
                    startedAt: started[id]?.time, completedAt: completed[id]?.time,
                    terminatedAt: terminated[id]?.time)
            }
    }
}

/// The responses of one instrument at one time of measure.
package struct ResponseLine: Sendable, Equatable, Encodable {
    package let figure: String
    package let experiment: String
    package let instrument: String
    package let occasion: String
    /// Whether fewer than ``Scores/shownCountMin`` persons answered and the reader may not see so few.
    package let isHidden: Bool
    package let n: Int64?
    /// Responses whose values were not erased.
    package let scored: Int64?
    package let mean: String?
    package let nps: String?
    package let promoters: Int64?
    package let passives: Int64?
    package let detractors: Int64?

    package init(cell: ResponseCell, tally: ResponseTally, hidesSmallCells: Bool) {
        figure = cell.figure.text
        experiment = cell.experiment.figureText
        instrument = cell.instrument
        occasion = cell.occasion
        isHidden = hidesSmallCells && tally.count < Scores.shownCountMin
        let shown = isHidden ? nil : tally
        let promoterShown = cell.instrument == Scores.netPromoter ? shown : nil
        n = shown?.count
        scored = shown?.scoredCount
        mean = shown.flatMap { Scores.mean($0, instrument: cell.instrument) }
        nps = shown.flatMap { Scores.netScore($0, instrument: cell.instrument) }
        promoters = promoterShown?.promoterCount
        passives = promoterShown?.passiveCount
        detractors = promoterShown?.detractorCount
    }
}
