import FeedbackDomain
import Testing

@Suite("Scoring against published values")
struct InstrumentTests {
    private let usability = Instrument.systemUsability
    private let promoter = Instrument.netPromoter

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
        #expect(try usability.score(answers) == tenths)
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
            let score = try usability.score(answers)
            #expect((0...1000).contains(score) && score.isMultiple(of: 25))
        }
    }

    @Test func tenMissingItemsAreNoAnswer() {
        #expect(
            refused { () throws(Refusal) in try usability.score([Int?](repeating: nil, count: 10)) }
                == Refused(.nothingAnswered, "/data/answers"))
    }

    @Test(arguments: [0, 6, -1, Int.max, Int.min])
    func aLevelOutsideOfOneToFiveIsRefusedWithItsPlace(level: Int) {
        #expect(
            refused { () throws(Refusal) in try usability.score([3, 3, 3, 3, 3, 3, 3, 3, 3, level]) }
                == Refused(.levelOutOfRange, "/data/answers/9"))
    }

    @Test(arguments: [0, 9, 11])
    func anotherNumberOfItemsIsRefused(count: Int) {
        #expect(
            refused { () throws(Refusal) in try usability.score([Int?](repeating: 3, count: count)) }
                == Refused(.answersCount, "/data/answers"))
    }

    @Test(arguments: 0...10) func everyAnswerFromZeroToTenIsItsOwnScore(answer: Int) throws {
        #expect(try promoter.score([answer]) == answer)
    }

    @Test(arguments: [-1, 11]) func likelihoodOutsideOfZeroToTenIsRefused(answer: Int) {
        #expect(
            refused { () throws(Refusal) in try promoter.score([answer]) }
                == Refused(.levelOutOfRange, "/data/answers/0"))
    }

    @Test func likelihoodCannotBeLeftOut() {
        #expect(
            refused { () throws(Refusal) in try promoter.score([nil]) } == Refused(.nothingAnswered, "/data/answers"))
    }

    @Test func instrumentsAreFoundByTheirExactName() {
        #expect(Instrument.named("SUS") == .systemUsability)
        #expect(Instrument.named("sus") == nil)
    }
}
