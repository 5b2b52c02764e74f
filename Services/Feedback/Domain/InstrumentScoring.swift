/// An instrument made ready to check and score answers: every name is looked up once, and not for every response.
package struct ScoringPlan: Sendable {
    private struct Scale: Sendable {
        let rule: InstrumentScale
        /// Of its items among the answers, each with its levels.
        let items: [(place: Int, levels: Instrument.Levels, isReversed: Bool)]
        let valueSet: ValueSet?
    }

    package let instrument: Instrument
    /// Of each item; nil for free text.
    private let levels: [Instrument.Levels?]
    private let mayBeMissing: [Bool]
    private let hasFreeText: Bool
    /// nil for one with an item that the instrument does not have: it never has a score.
    private let scales: [(name: String, scale: Scale?)]

    package init(_ instrument: Instrument) {
        self.instrument = instrument
        levels = instrument.items.map(\.levels)
        mayBeMissing = instrument.items.map(\.mayBeMissing)
        hasFreeText = instrument.items.contains { $0.levels == nil }
        scales = instrument.scales.map { ($0.name, Self.scale($0, of: instrument)) }
    }

    private static func scale(_ rule: InstrumentScale, of instrument: Instrument) -> Scale? {
        var items: [(place: Int, levels: Instrument.Levels, isReversed: Bool)] = []
        for linkId in rule.items {
            guard let place = instrument.items.firstIndex(where: { $0.linkId == linkId }),
                let levels = instrument.items[place].levels
            else { return nil }
            items.append((place, levels, rule.reversed.contains(linkId)))
        }
        return Scale(rule: rule, items: items, valueSet: ValueSet.named(rule.valueSet))
    }

    /// Checks the answers and scores them. Exact: whole numbers all the way.
    /// - Parameters:
    ///   - answers: one level per item, nil where an item was left out.
    ///   - hasComment: for instruments that ask for free text.
    package func scores(of answers: [Int?], hasComment: Bool = false) throws(Refusal) -> InstrumentScores {
        try check(answers, hasComment: hasComment)
        var scores = InstrumentScores(valueSet: instrument.valueSet)
        for (number, (name, scale)) in scales.enumerated() {
            guard let score = scale.flatMap({ Self.score($0, answers) }) else { continue }
            if number == 0 { scores.main = score } else { scores.further[name] = score }
        }
        return scores
    }

    /// Whether these can be answers to it at all.
    func check(_ answers: [Int?], hasComment: Bool) throws(Refusal) {
        guard answers.count == levels.count else {
            throw Refusal(
                .answersCount, at: "/data/answers",
                mend: "send \(levels.count) answers for \(instrument.name) \(instrument.version), null where an item "
                    + "was left out")
        }
        var isAnswered = hasComment && hasFreeText
        for (index, answer) in answers.enumerated() {
            guard let answer else { continue }
            isAnswered = true
            guard let levels = levels[index], levels.contains(answer) else { throw outOfRange(index) }
        }
        guard isAnswered else {
            throw Refusal(.nothingAnswered, at: "/data/answers", mend: "send at least one answer")
        }
        for index in answers.indices where answers[index] == nil && levels[index] != nil && !mayBeMissing[index] {
            let item = instrument.items[index].linkId
            throw Refusal(
                .answerMissing, at: "/data/answers/\(index)",
                mend: "item \(item) of \(instrument.name) \(instrument.version) has to be answered")
        }
    }

    private func outOfRange(_ index: Int) -> Refusal {
        let item = instrument.items[index].linkId
        guard let levels = levels[index] else {
            return Refusal(
                .levelOutOfRange, at: "/data/answers/\(index)",
                mend: "item \(item) is free text: send null here, and the text as the comment")
        }
        let steps = levels.step == 1 ? "" : " in steps of \(levels.step)"
        return Refusal(
            .levelOutOfRange, at: "/data/answers/\(index)",
            mend: "item \(item) has the levels \(levels.min) to \(levels.max)\(steps)")
    }

    private static func score(_ scale: Scale, _ answers: [Int?]) -> Int? {
        let rule = scale.rule
        var (sum, pointsCount) = (0, 0)
        var points: [Int] = []
        for (place, levels, isReversed) in scale.items {
            guard let answer = answers[place] ?? (rule.missing == .neutral ? rule.neutralLevel : nil) else { continue }
            pointsCount += 1
            switch rule.method {
            case .sum: sum += isReversed ? levels.max - answer : answer - levels.min
            case .mean: sum += isReversed ? levels.min + levels.max - answer : answer
            case .valueSet: points.append(answer)
            }
        }
        if pointsCount < scale.items.count {
            guard rule.missing == .mean, pointsCount >= max(1, rule.answeredMin ?? 1) else { return nil }
        }
        switch rule.method {
        // With the mean in the place of what is missing, the sum grows by the share of the items that are there.
        case .sum: return Instrument.divide(rule.factor * sum * scale.items.count, by: pointsCount)
        case .mean: return Instrument.divide(rule.factor * sum, by: pointsCount)
        case .valueSet: return scale.valueSet?.utility(points)
        }
    }
}

extension Instrument {
    /// Half to even; the divisor is above 0.
    static func divide(_ dividend: Int, by divisor: Int) -> Int {
        let (quotient, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
        let twice = abs(rest) * 2
        guard twice > divisor || (twice == divisor && !quotient.isMultiple(of: 2)) else { return quotient }
        return quotient + (dividend < 0 ? -1 : 1)
    }
}

/// Decrements of utility in millionths, by dimension and level.
package struct ValueSet: Sendable {
    package let name: String
    private let decrements: [[Int]]

    /// Andrade et al. 2020, PharmacoEconomics 38(4):413-425, doi 10.1007/s40273-019-00876-4: mobility, self-care, usual
    /// activities, pain, anxiety. Cumulated: the paper's table lists what each level adds to the one before.
    package static let france = ValueSet(
        name: "FR-5L-Andrade2020",
        decrements: [
            [0, 37_590, 47_740, 179_490, 325_090], [0, 36_560, 50_781, 172_251, 258_331],
            [0, 33_130, 39_790, 156_890, 240_050], [0, 21_980, 47_040, 263_740, 443_990],
            [0, 20_460, 46_830, 200_050, 258_030],
        ])

    package static func named(_ name: String?) -> ValueSet? { name == france.name ? france : nil }

    /// In millionths; nil unless there is one level for each dimension.
    package func utility(_ levels: [Int]) -> Int? {
        guard levels.count == decrements.count else { return nil }
        var utility = 1_000_000
        for (levelDecrements, level) in zip(decrements, levels) {
            guard levelDecrements.indices.contains(level - 1) else { return nil }
            utility -= levelDecrements[level - 1]
        }
        return utility
    }

    /// With three decimal places, half to even: for showing alone.
    package static func text(_ millionths: Int) -> String {
        let thousandths = Instrument.divide(millionths, by: 1_000)
        let places = String(1_000 + abs(thousandths) % 1_000).dropFirst()
        return "\(thousandths < 0 ? "-" : "")\(abs(thousandths) / 1_000).\(places)"
    }
}
