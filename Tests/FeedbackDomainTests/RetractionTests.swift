import FeedbackDomain
import FoundationEssentials
import Testing

@Suite("Taking a response back")
struct RetractionTests {
    private func judge(_ submissions: [Submission], in judge: IntakeJudge = Controls.judge) -> [Verdict] {
        var judge = judge
        return submissions.enumerated().map { index, submission in
            judge.judge(submission, candidate: Controls.id(UInt8(20 + index)), now: Controls.now)
        }
    }

    @Test func aRetractionIsTheNextVersionAndLowersTheCount() {
        let verdicts = judge([Controls.submission("a"), Controls.retraction("x", of: "a")])
        let expected = AcceptedResponse(
            response: Controls.id(20), version: 2, standing: .retracted, countChange: -1,
            participant: Controls.participant, instrumentVersion: "F-SUS-2021",
            scores: InstrumentScores())
        #expect(verdicts[1] == .accepted(expected))
    }

    @Test func onlyACorrectionBringsTheAnswerBack() {
        // when
        let verdicts = judge([
            Controls.submission("a"), Controls.retraction("x", of: "a"), Controls.submission("b"),
            Controls.submission("c", day: 92, amends: "a"),
        ])
        // then
        #expect(verdicts[2].refused == Refused(.alreadyAnswered, "/data/participant"))
        #expect(verdicts[3].accepted?.version == 3)
        #expect(verdicts[3].accepted?.countChange == 1 && verdicts[3].accepted?.standing == .valid)
    }

    @Test func takingBackTwiceChangesTheCountOnce() {
        let verdicts = judge([
            Controls.submission("a"), Controls.retraction("x", of: "a"), Controls.retraction("y", of: "a", day: 93),
        ])
        #expect(verdicts.compactMap(\.accepted?.countChange) == [1, -1, 0])
    }

    @Test func aRetractionWaitsForWhatItTakesBack() {
        let verdicts = judge([Controls.retraction("x", of: "a")])
        #expect(verdicts[0].dependency == .event(Controls.identity("a")))
    }

    /// Of a correction and a retraction the later one holds; at the same time the retraction.
    @Test(arguments: [(91.0, 92.0, ResponseStanding.retracted), (92, 91, .valid), (91, 91, .retracted)])
    func correctionAndRetractionEndAlikeWhateverComesFirst(corrected: Double, retracted: Double, end: ResponseStanding)
    {
        let correction = Controls.submission("b", day: corrected, amends: "a")
        let retraction = Controls.retraction("x", of: "a", day: retracted)
        for order in [[correction, retraction], [retraction, correction]] {
            let accepted = judge([Controls.submission("a")] + order).compactMap(\.accepted)
            #expect(accepted.last?.standing == end)
            #expect(accepted.map(\.countChange).reduce(0, +) == (end == .valid ? 1 : 0))
        }
    }

    /// After an exclusion the place of an answer is free, and another publisher's may stand there.
    @Test(arguments: [KnownEvent.refused(response: Controls.id(20)), .accepted(response: Controls.id(20))])
    func anotherPublishersAnswerIsNotTakenBackOrCorrected(known: KnownEvent) {
        for (publisher, mayTouch) in [("other", false), ("app", true)] {
            // given
            var judge = Controls.judge
            judge.events[Controls.identity("a")] = known
            let key = ResponseKey(participant: Controls.participant, instrument: "SUS", occasion: "M3")
            judge.responses[key] = ResponseFacts(
                response: Controls.id(20), version: 3, instrumentVersion: "F-SUS-2021",
                answeredAt: Controls.start + Controls.days(85), publisher: publisher)
            // when
            let submissions = [Controls.retraction("x", of: "a"), Controls.submission("y", day: 92, amends: "a")]
            let accepted = self.judge(submissions, in: judge).map { $0.accepted != nil }
            // then: a refused event is never corrected
            #expect(accepted == [mayTouch, mayTouch && known == .accepted(response: Controls.id(20))])
        }
    }

    @Test func theEndOfTheExperimentAndTheWindowDoNotHinderIt() {
        var late = Controls.judge
        late.experiments[Controls.experiment]?.completedAt = Controls.start + Controls.days(95)
        let verdicts = judge([Controls.submission("a"), Controls.retraction("x", of: "a", day: 99.9)], in: late)
        #expect(verdicts[1].accepted?.standing == .retracted)
    }

    @Test func aRefusedEventAndTheRetractionItselfCannotBeTakenBack() {
        let verdicts = judge([
            Controls.submission("a", day: 10), Controls.retraction("x", of: "a"), Controls.retraction("y", of: "y"),
        ])
        #expect(verdicts[1].refused == Refused(.amendsRefused, "/data/retracts"))
        #expect(verdicts[2].refused == Refused(.amendsItself, "/data/retracts"))
    }

    @Test func anAnswerIsJudgedByTheProtocolThatWasInForce() {
        // given: the second version, of day 50, measures later
        var plan = Controls.measures
        plan.windows[0].opensDay = 90
        let first = Controls.approved(Controls.measures, at: Controls.start)
        let second = Controls.approved(plan, version: 2, at: Controls.start + Controls.days(85))
        for versions in [[first, second], [second, first]] {
            var judge = Controls.judge
            judge.experiments[Controls.experiment]?.protocols = versions
            // when, then
            #expect(self.judge([Controls.submission("a", day: 84)], in: judge)[0].accepted != nil)
            #expect(self.judge([Controls.submission("a", day: 86)], in: judge)[0].refused?.reason == .outsideWindow)
            #expect(judge.experiments[Controls.experiment]?.measures(at: .distantPast) == Controls.measures)
        }
    }
}
