import FeedbackDomain
import Testing

@Suite("Scoring against published values")
struct InstrumentTests {
    private let catalogue = InstrumentCatalogue()

    private func instrument(_ name: String, _ version: String) throws -> Instrument {
        try #require(catalogue[name, version])
    }

    private func main(_ answers: [Int?], _ name: String = "SUS", _ version: String = "F-SUS-2021") throws -> Int? {
        try instrument(name, version).scores(of: answers).main
    }

    private func refusal(
        _ answers: [Int?], _ name: String = "SUS", _ version: String = "F-SUS-2021"
    ) throws -> Refused? {
        let instrument = try instrument(name, version)
        return refused { () throws(Refusal) in try instrument.scores(of: answers) }
    }

    /// Brooke 1996 and its worked examples; the missing item counts 3 (Bangor et al. 2009).
    @Test(
        arguments: [
            ([5, 1, 5, 1, 5, 1, 5, 1, 5, 1], 1000),
            ([1, 5, 1, 5, 1, 5, 1, 5, 1, 5], 0),
            ([3, 3, 3, 3, 3, 3, 3, 3, 3, 3], 500),
            ([5, 5, 5, 5, 5, 5, 5, 5, 5, 5], 500),
            ([4, 2, 4, 2, 4, 2, 4, 2, 4, 2], 750),
            ([5, 1, 5, 1, 5, 1, 5, 1, 5, nil], 950),
            ([nil, 1, 5, 1, 5, 1, 5, 1, 5, 1], 950),
            ([nil, nil, nil, nil, nil, nil, nil, nil, nil, 3], 500),
        ] as [([Int?], Int)])
    func usabilityScoresAreThePublishedOnes(answers: [Int?], tenths: Int) throws {
        for (name, version) in [("SUS", "1996"), ("SUS", "F-SUS-2021"), ("F-SUS", "2021")] {
            #expect(try main(answers, name, version) == tenths)
        }
    }

    /// A published series of twelve scores with the mean 80.21 (962.5 / 12), each given by answers that make it.
    @Test func aPublishedSeriesHasItsPublishedMean() throws {
        let published = [875, 875, 900, 825, 750, 775, 600, 900, 850, 750, 800, 725]
        let scores = try published.map { tenths in
            // From the middle, each step of an item is 25 tenths.
            var answers: [Int?] = [Int?](repeating: 3, count: 10)
            var steps = (tenths - 500) / 25
            for place in 0..<10 where steps > 0 {
                let step = min(2, steps)
                answers[place] = place.isMultiple(of: 2) ? 3 + step : 3 - step
                steps -= step
            }
            return try #require(try main(answers))
        }
        #expect(scores == published)
        #expect(scores.reduce(0, +) == 9_625)
    }

    /// Usability scores step by 2.5 points over 0 to 100, and no combination of levels leaves that.
    @Test func everyUsabilityScoreIsAStepOfTwoAndAHalfPoints() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            var answers: [Int?] = []
            for _ in 0..<10 {
                answers.append(Bool.random(using: &generator) ? Int.random(in: 1...5, using: &generator) : nil)
            }
            guard answers.contains(where: { $0 != nil }) else { continue }
            let score = try #require(try main(answers))
            #expect((0...1000).contains(score) && score.isMultiple(of: 25))
        }
    }

    @Test func tenMissingItemsAreNoAnswer() throws {
        #expect(try refusal([Int?](repeating: nil, count: 10)) == Refused(.nothingAnswered, "/data/answers"))
    }

    @Test(arguments: [0, 6, -1, Int.max, Int.min])
    func aLevelOutsideOfOneToFiveIsRefusedWithItsPlace(level: Int) throws {
        #expect(
            try refusal([3, 3, 3, 3, 3, 3, 3, 3, 3, level]) == Refused(.levelOutOfRange, "/data/answers/9"))
    }

    @Test(arguments: [0, 9, 11])
    func anotherNumberOfItemsIsRefused(count: Int) throws {
        #expect(try refusal([Int?](repeating: 3, count: count)) == Refused(.answersCount, "/data/answers"))
    }

    @Test(arguments: 0...10) func everyAnswerFromZeroToTenIsItsOwnScore(answer: Int) throws {
        #expect(try main([answer], "NPS", "1") == answer)
    }

    @Test(arguments: [-1, 11]) func likelihoodOutsideOfZeroToTenIsRefused(answer: Int) throws {
        #expect(try refusal([answer], "NPS", "1") == Refused(.levelOutOfRange, "/data/answers/0"))
    }

    @Test func likelihoodCannotBeLeftOut() throws {
        #expect(try refusal([nil], "NPS", "1") == Refused(.nothingAnswered, "/data/answers"))
    }

    @Test func instrumentsAreFoundByTheirExactNameAndVersion() {
        #expect(catalogue["SUS", "F-SUS-2021"]?.name == "SUS")
        #expect(catalogue["sus", "F-SUS-2021"] == nil && catalogue["SUS", "2"] == nil)
        #expect(catalogue.isKnown("NPS") && !catalogue.isKnown("SF36"))
    }

    @Test func theVisualScaleIsItsOwnScoreAndFreeTextHasNone() throws {
        #expect(try main([73], "EQ-VAS", "1") == 73)
        #expect(try refusal([101], "EQ-VAS", "1") == Refused(.levelOutOfRange, "/data/answers/0"))
        let text = try instrument("FREE-TEXT", "1")
        #expect(try text.scores(of: [nil], hasComment: true) == InstrumentScores())
        #expect(try refusal([nil], "FREE-TEXT", "1") == Refused(.nothingAnswered, "/data/answers"))
        #expect(try refusal([1], "FREE-TEXT", "1") == Refused(.levelOutOfRange, "/data/answers/0"))
    }

    @Test func anAgreementNeedsThreeOfFiveItemsAndRoundsHalfToEven() throws {
        #expect(try main([4, 4, 5, nil, nil], "LIKERT-5", "1") == 433)
        #expect(try main([4, 5, nil, nil, nil], "LIKERT-5", "1") == nil)
        #expect(try main([1, 2, 3, 4, 5], "LIKERT-5", "1") == 300)
    }
}

@Suite("The French value set of EQ-5D-5L")
struct ValueSetTests {
    private func states() throws -> [(name: String, utility: Int)] {
        let instrument = try #require(InstrumentCatalogue()["EQ-5D-5L", "FR-5L-Andrade2020"])
        return try (0..<3125).map { number in
            let levels = [number / 625, number / 125 % 5, number / 25 % 5, number / 5 % 5, number % 5].map { $0 + 1 }
            let scores = try instrument.scores(of: levels)
            #expect(scores.valueSet == "FR-5L-Andrade2020")
            return (levels.map(String.init).joined(), try #require(scores.main))
        }
    }

    /// FNV-1a over a line for each.
    private func fingerprint(_ lines: [String]) -> UInt64 {
        lines.joined(separator: "\n").utf8.reduce(into: lines.isEmpty ? 0 : 0xCBF2_9CE4_8422_2325) { hash, byte in
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }

    /// The six reference values of the eq5d package, and its range.
    @Test func officialStatesHaveTheirUtilities() throws {
        let utilities = Dictionary(uniqueKeysWithValues: try states())
        let official = [
            "11111": "1.000", "22222": "0.850", "33333": "0.768", "44444": "0.028", "54321": "0.441",
            "55555": "-0.525",
        ]
        for (state, utility) in official { #expect(utilities[state].map(ValueSet.text) == utility, "\(state)") }
        #expect(utilities.values.min() == -525_491 && utilities.values.max() == 1_000_000)
    }

    /// Computed apart, with the decimal arithmetic of Python, from the published coefficients.
    @Test func allStatesAreThoseOfADecimalComputation() throws {
        let utilities = try states().map(\.utility)
        #expect(utilities.reduce(0, +) == 1_325_116_875)
        #expect(fingerprint(utilities.map(String.init) + [""]) == 0x1B48_7096_7217_5495)
        #expect(fingerprint(utilities.map(ValueSet.text) + [""]) == 0x1F11_17B9_C9D1_11F6)
    }

    @Test func aDimensionLeftOutLeavesNoScore() throws {
        let instrument = try #require(InstrumentCatalogue()["EQ-5D-5L", "FR-5L-Andrade2020"])
        #expect(try instrument.scores(of: [1, 1, nil, 1, 1]).main == nil)
    }

    @Test func halvesAreRoundedToEven() {
        #expect(ValueSet.text(295_500) == "0.296" && ValueSet.text(861_500) == "0.862")
        #expect(ValueSet.text(606_500) == "0.606" && ValueSet.text(-500) == "0.000")
        #expect(ValueSet.text(-525_491) == "-0.525")
    }
}

@Suite("Questionnaires that people publish")
struct PublishableTests {
    private static var comfort: Instrument {
        var scale = InstrumentScale(
            "comfort", unit: "hundredths", method: .mean, factor: 100, items: ["c1", "c2"], reversed: ["c2"],
            missing: .mean)
        scale.answeredMin = 1
        let pain = InstrumentScale("pain", unit: "points", method: .sum, items: ["p1"])
        let five = Instrument.Levels(min: 1, max: 5)
        return Instrument(
            .init(name: "COMFORT", version: "1"), title: .init(fr: "Confort", en: "Comfort"),
            items: [
                .init(linkId: "c1", levels: five, mayBeMissing: true),
                .init(linkId: "c2", levels: five, mayBeMissing: true),
                .init(linkId: "p1", levels: .init(min: 0, max: 100, step: 10)),
            ], scales: [scale, pain], source: "the site's own")
    }

    @Test func subScalesAreScoredApart() throws {
        try Self.comfort.checkPublishable()
        #expect(
            try Self.comfort.scores(of: [5, 2, 40]) == InstrumentScores(main: 450, further: ["pain": 40]))
        #expect(try Self.comfort.scores(of: [nil, 2, 40]).main == 400)
        #expect(try Self.comfort.scores(of: [nil, nil, 40]) == InstrumentScores(further: ["pain": 40]))
        #expect(
            refused { () throws(Refusal) in try Self.comfort.scores(of: [1, 1, 45]) }
                == Refused(.levelOutOfRange, "/data/answers/2"))
        #expect(
            refused { () throws(Refusal) in try Self.comfort.scores(of: [1, 1, nil]) }
                == Refused(.answerMissing, "/data/answers/2"))
    }

    private struct Flawed: Sendable {
        let field: String
        let change: @Sendable (inout Instrument) -> Void
    }

    private static let flaws: [Flawed] = [
        Flawed(field: "/name") { $0.name = "a b" },
        Flawed(field: "/version") { $0.version = "" },
        Flawed(field: "/title/fr") { $0.title.fr = " " },
        Flawed(field: "/items") { $0.items = [] },
        Flawed(field: "/items/1/linkId") { $0.items[1].linkId = "c1" },
        Flawed(field: "/items/0/levels") { $0.items[0].levels = .init(min: 5, max: 5) },
        Flawed(field: "/items/0/levels") { $0.items[0].levels = .init(min: Int.min, max: Int.max) },
        Flawed(field: "/items/2/levels/step") { $0.items[2].levels?.step = 3 },
        Flawed(field: "/items/2/levels/step") { $0.items[2].levels?.step = 0 },
        Flawed(field: "/scales/1/name") { $0.scales[1].name = "comfort" },
        Flawed(field: "/scales/0/method") { $0.scales[0].method = .valueSet },
        Flawed(field: "/scales/0/factor") { $0.scales[0].factor = Int.max },
        Flawed(field: "/scales/0/items") { $0.scales[0].items = ["c1", "c1"] },
        Flawed(field: "/scales/0/items") { $0.scales[0].items = [] },
        Flawed(field: "/scales/0/items") { $0.items[0].levels = nil },
        Flawed(field: "/scales/0/reversed") { $0.scales[0].reversed = ["p1"] },
        Flawed(field: "/scales/0/answeredMin") { $0.scales[0].answeredMin = 3 },
        Flawed(field: "/scales/0/neutralLevel") {
            $0.scales[0].missing = .neutral
            $0.scales[0].neutralLevel = 9
        },
    ]

    @Test(arguments: flaws.indices) func eachFlawIsNamedByItsField(index: Int) {
        // given
        var instrument = Self.comfort
        Self.flaws[index].change(&instrument)
        // when
        var found: InstrumentFlaw?
        do throws(InstrumentFlaw) { try instrument.checkPublishable() } catch { found = error }
        // then
        #expect(found?.field == Self.flaws[index].field)
    }

    @Test func whatIsBuiltInCouldBePublished() throws {
        for instrument in Instrument.builtIn where instrument.valueSet == nil { try instrument.checkPublishable() }
    }
}

extension Instrument {
    fileprivate func scores(of answers: [Int?], hasComment: Bool = false) throws(Refusal) -> InstrumentScores {
        try ScoringPlan(self).scores(of: answers, hasComment: hasComment)
    }
}
