import HTTPDefaults
import HTTPTypes
import Metrics
import Synchronization

/// Keeps one publisher from taking the HTTP door from the others: so many requests at once, and a rest after nonsense,
/// as its queue would get. In the memory of this process, as the consumers of the queues are.
final class EventGate: Sendable {
    /// One request's place; free again when the request has ended, however it ended.
    final class Place: Sendable {
        private let gate: EventGate
        private let publisher: String

        fileprivate init(_ gate: EventGate, _ publisher: String) {
            (self.gate, self.publisher) = (gate, publisher)
        }

        deinit { gate.leave(publisher) }

        func rest(_ duration: Duration) { gate.rest(publisher, for: duration) }
    }

    private struct Visitor {
        var count = 0
        var restsUntil: ContinuousClock.Instant
    }

    private let countMax: Int
    private let metricsFactory: any MetricsFactory
    private let now: @Sendable () -> ContinuousClock.Instant
    /// Of publishers that are here or rest; there are no more than have a credential.
    private let visitors = Mutex<[String: Visitor]>([:])

    /// - Parameter countMax: requests of one publisher at once.
    init(
        countMax: Int, metricsFactory: any MetricsFactory = MetricsSystem.factory,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.countMax = countMax
        self.metricsFactory = metricsFactory
        self.now = now
    }

    /// - Throws: 429, which is counted.
    func enter(_ publisher: String) throws(Problem) -> Place {
        let now = now()
        let refusal: Problem? = visitors.withLock { visitors in
            let visitor = visitors[publisher] ?? Visitor(restsUntil: now)
            if visitor.restsUntil > now { return Self.resting(for: visitor.restsUntil - now) }
            guard visitor.count < countMax else { return Self.crowded(countMax) }
            visitors[publisher] = Visitor(count: visitor.count + 1, restsUntil: now)
            return nil
        }
        if let refusal {
            IntakeMetrics(publisher: publisher, door: .http, factory: metricsFactory).turnedAway()
            throw refusal
        }
        return Place(self, publisher)
    }

    private func leave(_ publisher: String) {
        let now = now()
        visitors.withLock { visitors in
            visitors[publisher]?.count -= 1
            // Those that rested and did not come back are forgotten with the next one that leaves.
            visitors = visitors.filter { $0.value.count > 0 || $0.value.restsUntil > now }
        }
    }

    private func rest(_ publisher: String, for duration: Duration) {
        guard duration > .zero else { return }
        let end = now() + duration
        visitors.withLock { visitors in
            guard let visitor = visitors[publisher] else { return }
            visitors[publisher]?.restsUntil = max(visitor.restsUntil, end)
        }
    }

    private static func crowded(_ countMax: Int) -> Problem {
        Problem(
            .tooManyRequests, "too-many-requests", "The publisher has too many requests open",
            detail: "\(countMax) at once; nothing of this one was taken"
        ).mending("Send many events in one request, one a line as application/x-ndjson.").retrying(after: 1)
    }

    private static func resting(for duration: Duration) -> Problem {
        let seconds = duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0)
        return Problem(
            .tooManyRequests, "publisher-rests", "Most of what the publisher sent last was refused",
            detail: "it is heard again in a moment; nothing of this request was taken"
        ).mending("Look at the receipts, and mend what they name before you go on.").retrying(after: Int(seconds))
    }
}
