import Testing

@testable import Feedback

@Suite("A publisher of nonsense")
struct IntakePaceTests {
    private func pause(refused: Int, of count: Int, took: Duration = .milliseconds(100)) -> Duration {
        var tally = IntakeTally()
        tally.refused = refused
        tally.accepted = count - refused
        return FeedbackIntake.pause(after: tally, batchCount: count, took: took)
    }

    @Test func restsThreeTimesAsLongAsItsBatchTook() {
        #expect(pause(refused: 500, of: 500) == .milliseconds(300))
        #expect(pause(refused: 1, of: 1) == .milliseconds(300))
    }

    @Test func isOneOfWhichMoreThanHalfIsRefused() {
        #expect(pause(refused: 251, of: 500) == .milliseconds(300))
        #expect(pause(refused: 250, of: 500) == .zero)
        #expect(pause(refused: 0, of: 500) == .zero)
    }

    @Test func restsASecondAtMost() {
        #expect(pause(refused: 500, of: 500, took: .seconds(5)) == .seconds(1))
    }
}
