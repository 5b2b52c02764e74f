import HTTPDefaults
import HTTPTypes
import Synchronization
import Testing

@testable import Feedback

@Suite("The gate of the HTTP door") struct EventGateTests {
    /// A clock that stands still until it is set.
    private final class Clock: Sendable {
        private let time = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(by duration: Duration) { time.withLock { $0 += duration } }
    }

    private func slug(_ gate: EventGate, _ publisher: String = "a") -> String? {
        do throws(Problem) {
            _ = try gate.enter(publisher)
            return nil
        } catch {
            return error.slug
        }
    }

    @Test func aPlaceIsFreeAgainWhenNobodyHoldsIt() throws {
        // given
        let gate = EventGate(countMax: 2)
        var places = [try gate.enter("a"), try gate.enter("a")]
        // when, then
        #expect(slug(gate) == "too-many-requests")
        #expect(slug(gate, "b") == nil)
        places.removeLast()
        #expect(slug(gate) == nil)
    }

    @Test func whoeverRestsIsHeardAgainAfterItsTimeAndTheLongestRestHolds() throws {
        // given
        let clock = Clock()
        let gate = EventGate(countMax: 4) { clock.now }
        var places = [try gate.enter("a"), try gate.enter("a")]
        // when
        places[0].rest(.milliseconds(900))
        places[1].rest(.milliseconds(100))
        places = []
        // then
        clock.advance(by: .milliseconds(899))
        #expect(slug(gate) == "publisher-rests")
        #expect(slug(gate, "b") == nil)
        clock.advance(by: .milliseconds(2))
        #expect(slug(gate) == nil)
    }

    @Test func whoeverRestsNotAtAllIsHeardAtOnce() throws {
        let gate = EventGate(countMax: 1)
        try gate.enter("a").rest(.zero)
        #expect(slug(gate) == nil)
    }
}
