import FoundationEssentials
import Metrics
import Synchronization

/// `inbox_applied_total{type}`, `inbox_ignored_total`, `inbox_duplicates_total`, `inbox_parked_total`,
/// `inbox_retries_total{kind}`, `dead_letters_total{class}`, `inbox_lag_seconds` (from the recording of a batch's
/// oldest event, by the clock of its owner's database, to the commit of its effect, by ours), and from the sweep
/// `dead_letters_open{class}`.
struct InboxMetrics: Sendable {
    /// Classes that were reported: a gauge that nobody sets to 0 shows its last value for ever.
    private final class ReportedClasses: Sendable {
        let names = Mutex<Set<String>>([])
    }

    private let reportedClasses = ReportedClasses()
    private let ignored = Counter(label: "inbox_ignored_total")
    private let duplicates = Counter(label: "inbox_duplicates_total")
    private let parked = Counter(label: "inbox_parked_total")
    private let lag = Timer(label: "inbox_lag_seconds")
    /// The same, for whoever asks this process and not its metrics.
    let tally = InboxTally()
    private let conflicts = Counter(label: "inbox_retries_total", dimensions: [("kind", "conflict")])
    private let outages = Counter(label: "inbox_retries_total", dimensions: [("kind", "outage")])

    func record(_ effects: InboxEffects) {
        for (type, count) in effects.applied {
            Counter(label: "inbox_applied_total", dimensions: [("type", type)]).increment(by: count)
        }
        ignored.increment(by: effects.ignoredCount)
        duplicates.increment(by: effects.duplicateCount)
        parked.increment(by: effects.parkings.count)
        tally.record(effects)
    }

    func repeats(_ count: Int) {
        duplicates.increment(by: count)
        tally.repeats(count)
    }

    /// - Parameter loggedAt: milliseconds since 1970.
    func settled(loggedAt: Int64) {
        let lag = Date().timeIntervalSince1970 - Double(loggedAt) / 1_000
        self.lag.recordSeconds(max(0, lag))
    }

    func retry(_ kind: FailureKind) {
        if case .outage = kind { outages.increment() } else { conflicts.increment() }
    }

    func buried(class: String) {
        Counter(label: "dead_letters_total", dimensions: [("class", `class`)]).increment()
        tally.buried()
    }

    func record(openDeadLetters counts: [String: Int64]) {
        let gone = reportedClasses.names.withLock { names in
            defer { names = Set(counts.keys) }
            return names.subtracting(counts.keys)
        }
        for name in gone { Gauge(label: "dead_letters_open", dimensions: [("class", name)]).record(0) }
        for (name, count) in counts {
            Gauge(label: "dead_letters_open", dimensions: [("class", name)]).record(count)
        }
    }
}
