extension Instrument {
    /// Checks the answers and scores them. Exact: whole numbers all the way.
    /// - Parameters:
    ///   - answers: one level per item, nil where an item was left out.
    ///   - hasComment: for instruments that ask for free text.
    package func scores(of answers: [Int?], hasComment: Bool = false) throws(Refusal) -> InstrumentScores {
        try check(answers, hasComment: hasComment)
        let levels = Dictionary(uniqueKeysWithValues: zip(items.map(\.linkId), answers))
        var scores = InstrumentScores(main: scales.first.flatMap { score($0, levels) }, valueSet: valueSet)
        for scale in scales.dropFirst() { scores.further[scale.name] = score(scale, levels) }
        return scores
    }

    /// Whether these can be answers to it at all.
    func check(_ answers: [Int?], hasComment: Bool) throws(Refusal) {
        guard answers.count == items.count else {
            throw Refusal(
                .answersCount, at: "/data/answers",
                mend: "send \(items.count) answers for \(name) \(version), null where an item was left out")
        }
        for (index, item) in items.enumerated() {
            guard let answer = answers[index] else { continue }
            guard let levels = item.levels else {
                throw Refusal(
                    .levelOutOfRange, at: "/data/answers/\(index)",
                    mend: "item \(item.linkId) is free text: send null here, and the text as the comment")
            }
            guard levels.contains(answer) else {
                let steps = levels.step == 1 ? "" : " in steps of \(levels.step)"
                throw Refusal(
                    .levelOutOfRange, at: "/data/answers/\(index)",
                    mend: "item \(item.linkId) has the levels \(levels.min) to \(levels.max)\(steps)")
            }
        }
        let isAnswered = answers.contains { $0 != nil } || hasComment && items.contains { $0.levels == nil }
        guard isAnswered else {
            throw Refusal(.nothingAnswered, at: "/data/answers", mend: "send at least one answer")
        }
        for (index, item) in items.enumerated() where answers[index] == nil && item.levels != nil && !item.mayBeMissing
        {
            throw Refusal(
                .answerMissing, at: "/data/answers/\(index)",
                mend: "item \(item.linkId) of \(name) \(version) has to be answered")
        }
    }

    private func score(_ scale: InstrumentScale, _ answers: [String: Int?]) -> Int? {
        var points: [Int] = []
        for linkId in scale.items {
            guard let levels = items.first(where: { $0.linkId == linkId })?.levels else { return nil }
            let answer = (answers[linkId] ?? nil) ?? (scale.missing == .neutral ? scale.neutralLevel : nil)
            guard let answer else { continue }
            let isReversed = scale.reversed.contains(linkId)
            switch scale.method {
            case .sum: points.append(isReversed ? levels.max - answer : answer - levels.min)
            case .mean: points.append(isReversed ? levels.min + levels.max - answer : answer)
            case .valueSet: points.append(answer)
            }
        }
        let missingCount = scale.items.count - points.count
        if missingCount > 0 {
            guard scale.missing == .mean, points.count >= max(1, scale.answeredMin ?? 1) else { return nil }
        }
        let sum = points.reduce(0, +)
        switch scale.method {
        // With the mean in the place of what is missing, the sum grows by the share of the items that are there.
        case .sum: return Self.divide(scale.factor * sum * scale.items.count, by: points.count)
        case .mean: return Self.divide(scale.factor * sum, by: points.count)
        case .valueSet: return ValueSet.named(scale.valueSet)?.utility(points)
        }
    }

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
