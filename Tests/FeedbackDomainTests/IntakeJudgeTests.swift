import FeedbackDomain
import FoundationEssentials
import Testing

@Suite("Checks on submissions")
struct IntakeJudgeTests {
    private func verdict(on submission: Submission, in judge: IntakeJudge = Controls.judge) -> Verdict {
        var judge = judge
        return judge.judge(submission, candidate: Controls.id(9), now: Controls.now)
    }

    @Test func aFittingResponseIsScoredAndCounted() {
        let expected = AcceptedResponse(
            response: Controls.id(9), version: 1, countChange: 1, participant: Controls.participant,
            instrumentVersion: "F-SUS-2021", scores: InstrumentScores(main: 750))
        #expect(verdict(on: Controls.submission("a")) == .accepted(expected))
    }

    @Test(arguments: [0.5, 79.999, 100]) func anAnswerOutsideItsWindowIsRefused(day: Double) {
        #expect(verdict(on: Controls.submission("a", day: day)).refused == Refused(.outsideWindow, "/time"))
    }

    @Test(arguments: [80, 99.999]) func theWindowsFirstAndLastMomentCount(day: Double) {
        #expect(verdict(on: Controls.submission("a", day: day)).accepted != nil)
    }

    /// To the millisecond, whatever the experiment's start: days are no matter of rounding.
    @Test(arguments: [0, 1, 91, 637, 1_400]) func aWindowBeginsAndEndsAtTheInstantOfTheStart(opensDay: Int) {
        for millisecond in stride(from: 0, to: 86_400_000, by: 86_399) {
            // In 2016: from 2018 on a date has half the precision, so that the same fraction is rounded to another.
            let start = 500_000_000_000 + millisecond
            var judge = Controls.judge
            judge.experiments[Controls.experiment]?.startedAt = Controls.instant(start)
            judge.experiments[Controls.experiment]?.protocols[0].measures.windows[0].opensDay = opensDay
            judge.experiments[Controls.experiment]?.protocols[0].measures.windows[0].closesDay = opensDay + 7
            for (offset, isOpen) in [(-1, false), (0, true), (7 * 86_400_000 - 1, true), (7 * 86_400_000, false)] {
                var submission = Controls.submission("a")
                submission.answeredAt = Controls.instant(start + opensDay * 86_400_000 + offset)
                let refused = judge.experiments[Controls.experiment].flatMap { facts in
                    Self.refusal(of: submission, experiment: facts)
                }
                #expect((refused == nil) == isOpen, "\(start) \(offset): \(refused.debugDescription)")
            }
        }
    }

    private static func refusal(of submission: Submission, experiment: ExperimentFacts) -> Refusal? {
        let outcome = SubmissionChecks.outcome(
            of: submission, experiment: experiment, participant: Controls.facts, instruments: InstrumentCatalogue(),
            now: .distantFuture)
        guard case .refused(let refusal) = outcome else { return nil }
        return refusal
    }

    @Test func fiveMinutesAheadIsTheMost() {
        var judge = Controls.judge
        judge.experiments[Controls.experiment]?.protocols[0].measures.windows[0].closesDay = 200
        let atLimit = Controls.submission("a", day: 100 + 300.0 / 86_400)
        let beyond = Controls.submission("b", day: 100 + 301.0 / 86_400)
        #expect(verdict(on: atLimit, in: judge).accepted != nil)
        #expect(verdict(on: beyond, in: judge).refused == Refused(.timeInFuture, "/time"))
    }

    @Test func nothingCountsBeforeTheStartOrAfterTheEnd() {
        var judge = Controls.judge
        judge.experiments[Controls.experiment]?.completedAt = Controls.start + Controls.days(85)
        #expect(verdict(on: Controls.submission("a", day: 84), in: judge).accepted != nil)
        #expect(
            verdict(on: Controls.submission("a", day: 86), in: judge).refused == Refused(.experimentCompleted, "/time"))
        #expect(verdict(on: Controls.submission("a", day: -1)).refused == Refused(.beforeStart, "/time"))
    }

    @Test func anOccasionOutsideTheProtocolIsRefused() {
        var submission = Controls.submission("a")
        submission.occasion = "M6"
        #expect(verdict(on: submission).refused == Refused(.notInProtocol, "/data/occasion"))
    }

    @Test func anUnknownInstrumentIsRefusedBeforeAnythingIsWaitedFor() {
        var submission = Controls.submission("a")
        submission.instrument = "EQ-5D"
        #expect(verdict(on: submission, in: IntakeJudge()).refused == Refused(.unknownInstrument, "/data/instrument"))
    }

    @Test func consentHasToCoverTheProtocolBeforeTheAnswer() {
        let key = ParticipantKey(experiment: Controls.experiment, pseudonym: "P1")
        var narrower = Controls.judge
        narrower.participants[key]?.consentScope = "costs"
        var later = Controls.judge
        later.participants[key]?.consentedAt = Controls.start + Controls.days(91)
        let expected = Refused(.consentMissing, "/data/participant")
        #expect(verdict(on: Controls.submission("a"), in: narrower).refused == expected)
        #expect(verdict(on: Controls.submission("a"), in: later).refused == expected)
    }

    @Test func aCommentIsMeasuredInCharactersNotBytes() {
        var submission = Controls.submission("a")
        submission.comment = String(repeating: "é", count: 4000)
        #expect(verdict(on: submission).accepted != nil)
        submission.comment?.append("x")
        #expect(verdict(on: submission).refused == Refused(.commentTooLong, "/data/comment"))
    }

    @Test func whatIsNotKnownYetIsWaitedFor() {
        let submission = Controls.submission("a", pseudonym: "P2")
        let experiment = Dependency.experiment(Controls.experiment)
        #expect(verdict(on: submission, in: IntakeJudge()).dependency == experiment)
        var withoutProtocol = Controls.judge
        withoutProtocol.experiments[Controls.experiment]?.protocols = []
        #expect(verdict(on: submission, in: withoutProtocol).dependency == experiment)
        var beforeStart = Controls.judge
        beforeStart.experiments[Controls.experiment]?.startedAt = nil
        #expect(verdict(on: submission, in: beforeStart).dependency == experiment)
        #expect(verdict(on: submission).dependency == .participant(submission.participantKey))
    }

    @Test func dependenciesOfDifferentPartsHaveDifferentKeys() {
        let first = Dependency.event(Controls.identity("b", source: "a"))
        let second = Dependency.event(Controls.identity("", source: "a\nb".replacing("\n", with: "")))
        #expect(first.key != second.key)
    }
}

@Suite("Corrections")
struct AmendmentTests {
    @Test func aCorrectionBecomesTheNextVersionOfTheSameResponse() {
        // given
        var judge = Controls.judge
        let original = judge.judge(Controls.submission("a"), candidate: Controls.id(9), now: Controls.now)
        // when
        let correction = judge.judge(
            Controls.submission("b", day: 100, amends: "a", answers: [5, 1, 5, 1, 5, 1, 5, 1, 5, 1]),
            candidate: Controls.id(10), now: Controls.now)
        // then
        #expect(original.accepted?.version == 1)
        #expect(correction.accepted?.version == 2 && correction.accepted?.scores.main == 1000)
        #expect(correction.accepted?.response == original.accepted?.response)
    }

    @Test func aCorrectionMayNameAnEarlierCorrection() {
        var judge = Controls.judge
        _ = judge.judge(Controls.submission("a"), candidate: Controls.id(9), now: Controls.now)
        _ = judge.judge(Controls.submission("b", amends: "a"), candidate: Controls.id(10), now: Controls.now)
        let third = judge.judge(
            Controls.submission("c", amends: "b"), candidate: Controls.id(11), now: Controls.now)
        #expect(third.accepted?.version == 3)
    }

    @Test func aSecondResponseIsRefusedAndToldHowToCorrect() {
        var judge = Controls.judge
        _ = judge.judge(Controls.submission("a"), candidate: Controls.id(9), now: Controls.now)
        let second = judge.judge(Controls.submission("b"), candidate: Controls.id(10), now: Controls.now)
        #expect(second.refused == Refused(.alreadyAnswered, "/data/participant"))
    }

    @Test func aCorrectionWaitsForWhatItCorrects() {
        var judge = Controls.judge
        let early = Controls.submission("b", amends: "a")
        let amended = Dependency.event(Controls.identity("a"))
        #expect(judge.judge(early, candidate: Controls.id(9), now: Controls.now).dependency == amended)
        _ = judge.judge(Controls.submission("a"), candidate: Controls.id(10), now: Controls.now)
        #expect(judge.judge(early, candidate: Controls.id(11), now: Controls.now).accepted?.version == 2)
    }

    @Test func aCorrectionOfAnotherAnswerIsRefused() {
        var judge = Controls.judge
        _ = judge.judge(Controls.submission("a"), candidate: Controls.id(9), now: Controls.now)
        var other = Controls.submission("b", amends: "a")
        other.instrument = "NPS"
        other.answers = [9]
        let verdict = judge.judge(other, candidate: Controls.id(10), now: Controls.now)
        #expect(verdict.refused == Refused(.amendsOtherResponse, "/data/amends"))
    }

    @Test func anotherPublishersEventCannotBeCorrected() {
        var judge = Controls.judge
        _ = judge.judge(Controls.submission("a"), candidate: Controls.id(9), now: Controls.now)
        var foreign = Controls.submission("b", amends: "a")
        foreign.identity = Controls.identity("b", publisher: "other")
        let verdict = judge.judge(foreign, candidate: Controls.id(10), now: Controls.now)
        #expect(verdict.dependency == .event(Controls.identity("a", publisher: "other")))
    }

    @Test func aCorrectionOfARefusedEventOrOfItselfIsRefused() {
        var judge = Controls.judge
        _ = judge.judge(Controls.submission("a", day: 10), candidate: Controls.id(9), now: Controls.now)
        let refusedOne = judge.judge(
            Controls.submission("b", amends: "a"), candidate: Controls.id(10), now: Controls.now)
        let itself = judge.judge(
            Controls.submission("c", amends: "c"), candidate: Controls.id(11), now: Controls.now)
        #expect(refusedOne.refused == Refused(.amendsRefused, "/data/amends"))
        #expect(itself.refused == Refused(.amendsItself, "/data/amends"))
    }

    @Test func twoCorrectionsEndInTheLaterOneWhateverComesFirst() {
        let earlier = Controls.submission("b", day: 91, amends: "a", answers: [3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
        let later = Controls.submission("c", day: 92, amends: "a", answers: [5, 1, 5, 1, 5, 1, 5, 1, 5, 1])
        for order in [[earlier, later], [later, earlier]] {
            // given
            var judge = Controls.judge
            _ = judge.judge(Controls.submission("a"), candidate: Controls.id(9), now: Controls.now)
            // when
            let verdicts = order.map { judge.judge($0, candidate: Controls.id(10), now: Controls.now) }
            // then
            #expect(verdicts.compactMap(\.accepted).last?.scores.main == 1000)
        }
    }
}

@Suite("What makes two messages the same event")
struct CanonicalContentTests {
    @Test func everyPartChangesTheContent() {
        // given
        let base = Controls.submission("a")
        var variants: [Submission] = [base]
        func vary(_ change: (inout Submission) -> Void) {
            var variant = base
            change(&variant)
            variants.append(variant)
        }
        // when
        vary { $0.answeredAt += 0.001 }
        vary { $0.amends = "-" }
        vary {
            $0.amends = "-"
            $0.isRetraction = true
        }
        vary { $0.experiment = Controls.id(7) }
        vary { $0.pseudonym = "P2" }
        vary { $0.instrument = "NPS" }
        vary { $0.occasion = "M6" }
        vary { $0.answers[0] = nil }
        vary { $0.comment = "-" }
        vary { $0.comment = "" }
        // then
        #expect(Set(variants.map(\.canonicalContent)).count == variants.count)
    }

    @Test func theIdentityIsNoPartOfTheContent() {
        #expect(Controls.submission("a").canonicalContent == Controls.submission("b").canonicalContent)
    }

    @Test func theValuesTextHoldsWhatTheDigestProves() {
        let text = CanonicalValues.bytes(response: Controls.id(1), version: 2, score: 75, answers: [1, nil])
        #expect(String(decoding: text, as: UTF8.self) == "00000000-0000-0000-0000-000000000001|2|75|[1,null]")
    }
}

@Suite("Counting")
struct CountingTests {
    @Test func aMilestoneIsReachedAtItsCountAndLostBelowIt() {
        // given
        let all = [
            Milestone(name: "b", responsesCountMin: 20), Milestone(name: "a", responsesCountMin: 10),
            Milestone(name: "c", responsesCountMin: 21),
        ]
        // then
        #expect(Milestone.changes(of: all, responsesCount: 9).isEmpty)
        // when
        let reached = Milestone.changes(of: all, responsesCount: 20)
        // then
        #expect(reached.map(\.name) == ["a", "b"])
        #expect(reached.allSatisfy { $0.isReached && $0.version == 1 })
        #expect(Milestone.changes(of: reached, responsesCount: 20).isEmpty)
        // when
        let lost = Milestone.changes(of: reached, responsesCount: 19)
        // then
        #expect(lost == [Milestone(name: "b", responsesCountMin: 20, isReached: false, version: 2)])
        #expect(Milestone.changes(of: lost, responsesCount: 25).map(\.version) == [3])
    }

    @Test func aMilestoneThatTheProtocolDroppedIsLost() {
        let dropped = Milestone(name: "a", responsesCountMin: 1, isReached: true, version: 1, isPlanned: false)
        #expect(Milestone.changes(of: [dropped], responsesCount: 5).map(\.isReached) == [false])
    }

    @Test func eventsKeepBothLimitsAndEveryItem() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            // given
            var sizes: [Int] = []
            for _ in 0..<Int.random(in: 0...900, using: &generator) {
                sizes.append(Int.random(in: 10...900, using: &generator))
            }
            // when
            let ranges = EventSplit.responses.ranges(byteCounts: sizes)
            // then
            #expect(ranges.flatMap { Array($0) } == Array(sizes.indices))
            for range in ranges {
                #expect(range.count <= 200 && !range.isEmpty)
                #expect(sizes[range].reduce(256, +) <= 49_152)
            }
        }
    }
}
