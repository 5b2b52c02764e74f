/// How far an application is, and the fact that put it there.
package struct ApplicationState: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case submitted
        case eligible
        case ineligible
        case recommended
        case funded
        case reserve
        case rejected
        case contracted
    }

    package let application: String
    package let state: State
    package let fact: ProgrammeFact

    /// The furthest state of every application that any fact speaks of, whichever fact came first.
    package static func all(_ facts: FactBook) -> [ApplicationState] {
        var states: [String: ApplicationState] = [:]
        func set(_ kind: FactKind, _ state: (ProgrammeFact) -> State?) {
            for fact in facts.facts(kind) {
                guard let application = fact.application?.figureText, let state = state(fact) else { continue }
                states[application] = ApplicationState(application: application, state: state, fact: fact)
            }
        }
        set(.applicationSubmitted) { _ in .submitted }
        set(.eligibilityDecided) { $0.reasons.isEmpty ? .eligible : .ineligible }
        set(.applicationRecommended) { _ in .recommended }
        set(.applicationDecided) { $0.word.flatMap { State(rawValue: $0) } }
        set(.agreementSigned) { _ in .contracted }
        return states.values.sorted { $0.application < $1.application }
    }
}

package struct ProgrammeApplications: Sendable, Equatable, Encodable {
    package struct Ineligible: Sendable, Equatable, Encodable {
        package let application: String
        package let call: String?
        package let siren: String?
        package let reasons: [String]
    }

    package struct Reserved: Sendable, Equatable, Encodable {
        package let application: String
        package let call: String?
        package let siren: String?
        package let rank: Int
    }

    package let total: CountFigure
    package let byState: [String: CountFigure]
    package let ineligible: [Ineligible]
    /// By call and rank.
    package let reserveList: [Reserved]

    init(facts: FactBook, figures: FigureBook) {
        total = figures.count(FigureID("applications", "total"))
        byState = Dictionary(
            uniqueKeysWithValues: ApplicationState.State.allCases.map {
                ($0.rawValue, figures.count(FigureID("applications", $0.rawValue)))
            })
        let states = ApplicationState.all(facts)
        let leads = Dictionary(
            facts.facts(.applicationSubmitted).map { ($0.key, $0.siren) }
        ) { first, _ in first }
        ineligible = states.filter { $0.state == .ineligible }
            .map {
                Ineligible(
                    application: $0.application, call: $0.fact.call?.figureText, siren: leads[$0.application] ?? nil,
                    reasons: $0.fact.reasons)
            }
        reserveList = states.filter { $0.state == .reserve }
            .map {
                Reserved(
                    application: $0.application, call: $0.fact.call?.figureText, siren: $0.fact.siren,
                    rank: $0.fact.ordinal ?? 0)
            }
            .sorted { ($0.call ?? "", $0.rank, $0.application) < ($1.call ?? "", $1.rank, $1.application) }
    }
}
