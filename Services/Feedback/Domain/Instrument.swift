/// A questionnaire as data: how many items it has, which levels count, and how the answers become one whole number.
package struct Instrument: Sendable, Equatable {
    package enum Scoring: Sendable, Equatable {
        /// Tenths of a point, 0 to 1,000.
        case systemUsability
        /// The answer itself, 0 to 10.
        case likelihoodToRecommend
    }

    package let name: String
    package let itemCount: Int
    package let levels: ClosedRange<Int>
    /// What an item counts that was left out; nil where every item has to be answered.
    package let levelOfMissingItem: Int?
    package let scoring: Scoring
    /// Where the rules are published.
    package let source: String

    /// The ten items in English (Brooke 1996) and in the validated French version F-SUS (Gronier & Baudet 2021,
    /// doi 10.1080/10447318.2021.1898828) are scored alike. A missing item counts as the centre of the scale (Bangor et
    /// al. 2009; the French instructions say the same).
    package static let systemUsability = Instrument(
        name: "SUS", itemCount: 10, levels: 1...5, levelOfMissingItem: 3, scoring: .systemUsability,
        source: "Brooke 1996; Gronier & Baudet 2021, doi 10.1080/10447318.2021.1898828")

    /// One question, eleven levels (Reichheld 2003). Promoters 9 and 10, passives 7 and 8, detractors 0 to 6.
    package static let netPromoter = Instrument(
        name: "NPS", itemCount: 1, levels: 0...10, levelOfMissingItem: nil, scoring: .likelihoodToRecommend,
        source: "Reichheld 2003, Harvard Business Review 81(12)")

    package static let all = [systemUsability, netPromoter]

    package static func named(_ name: String) -> Instrument? { all.first { $0.name == name } }

    /// The score of one response.
    /// - Parameter answers: one level per item, nil where an item was left out.
    package func score(_ answers: [Int?]) throws(Refusal) -> Int {
        guard answers.count == itemCount else {
            throw Refusal(
                .answersCount, at: "/data/answers",
                mend: "send \(itemCount) answers for \(name), null where an item was left out")
        }
        for (index, answer) in answers.enumerated() {
            if let answer, !levels.contains(answer) {
                throw Refusal(
                    .levelOutOfRange, at: "/data/answers/\(index)",
                    mend: "\(name) has the levels \(levels.lowerBound) to \(levels.upperBound)")
            }
        }
        guard answers.contains(where: { $0 != nil }) else {
            throw Refusal(.nothingAnswered, at: "/data/answers", mend: "send at least one answer")
        }
        return switch scoring {
        case .systemUsability: Self.systemUsabilityTenths(answers.map { $0 ?? levelOfMissingItem ?? 0 })
        case .likelihoodToRecommend: answers.compactMap(\.self).reduce(0, +)
        }
    }

    /// `2.5 × (Σ odd items (x − 1) + Σ even items (5 − x))` points; in tenths the factor is 25, so that no fraction is
    /// needed.
    private static func systemUsabilityTenths(_ levels: [Int]) -> Int {
        25 * levels.enumerated().reduce(0) { $0 + ($1.offset.isMultiple(of: 2) ? $1.element - 1 : 5 - $1.element) }
    }
}
