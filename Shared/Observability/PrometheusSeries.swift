import CoreMetrics
import Synchronization

/// What one series knows how to do for the text format.
protocol PrometheusSeries: AnyObject, Sendable {
    /// Appends its lines; `labels` is the inside of the braces, escaped, or empty.
    func render(name: String, labels: String, into text: inout String)
}

/// A sum that only grows (`reset` is for tests).
final class PrometheusCounter: PrometheusSeries, CounterHandler, FloatingPointCounterHandler {
    private let value = Mutex(0.0)

    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) {
        // A counter that falls would be read as a restart of the process.
        guard amount > 0 else { return }
        value.withLock { $0 += amount }
    }
    func reset() { value.withLock { $0 = 0 } }

    func render(name: String, labels: String, into text: inout String) {
        PrometheusText.line(name, labels, value.withLock { $0 }, into: &text)
    }
}

/// A value that goes up and down.
final class PrometheusGauge: PrometheusSeries, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ new: Int64) { set(Double(new)) }
    func set(_ new: Double) { value.withLock { $0 = new } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ new: Int64) { set(Double(new)) }
    func record(_ new: Double) { set(new) }

    func render(name: String, labels: String, into text: inout String) {
        PrometheusText.line(name, labels, value.withLock { $0 }, into: &text)
    }
}

/// Observations in cumulative buckets.
final class PrometheusHistogram: PrometheusSeries, RecorderHandler, TimerHandler {
    private struct State {
        var counts: [UInt64]
        var sum = 0.0
    }

    /// Seconds: from a fast statement (0.5 ms) to a request that somebody gave up on (10 s).
    static let secondsBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    /// Counts and bytes: from one item to a million.
    static let amountBounds: [Double] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000,
    ]

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        // One more than the bounds: what is above the last one.
        self.state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    /// How many exported series one histogram is.
    static func seriesCount(bounds: [Double]) -> Int { bounds.count + 3 }

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Double) {
        guard value.isFinite else { return }
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[index] += 1
            state.sum += value
        }
    }

    func render(name: String, labels: String, into text: inout String) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        let separator = labels.isEmpty ? "" : ","
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? PrometheusText.number(bounds[index]) : "+Inf"
            PrometheusText.line("\(name)_bucket", "\(labels)\(separator)le=\"\(bound)\"", Double(total), into: &text)
        }
        PrometheusText.line("\(name)_sum", labels, sum, into: &text)
        PrometheusText.line("\(name)_count", labels, Double(total), into: &text)
    }
}
