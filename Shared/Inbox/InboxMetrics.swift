import Metrics
import Synchronization

/// `inbox_applied_total{type}`, `inbox_ignored_total`, `inbox_duplicates_total`, `inbox_parked_total`,
/// `inbox_retries_total{kind}`, `dead_letters_total{class}`, and from the sweep `inbox_parked{waits_for}`,
/// `inbox_holes` (subjects of which an event is missing) and `dead_letters_open{class}`.
struct InboxMetrics: Sendable {
    struct Backlog {
        let gapCount: Int64
        let deadGapCount: Int64
        let notReadyCount: Int64
        let holeCount: Int64
    }

    /// Classes that were reported: a gauge that nobody sets to 0 shows its last value for ever.
    private final class ReportedClasses: Sendable {
        let names = Mutex<Set<String>>([])
    }

    private let reportedClasses = ReportedClasses()
    private let ignored = Counter(label: "inbox_ignored_total")
    private let duplicates = Counter(label: "inbox_duplicates_total")
    private let parked = Counter(label: "inbox_parked_total")
    private let conflicts = Counter(label: "inbox_retries_total", dimensions: [("kind", "conflict")])
    private let outages = Counter(label: "inbox_retries_total", dimensions: [("kind", "outage")])

    func record(_ effects: InboxEffects) {
        for (type, count) in effects.applied {
            Counter(label: "inbox_applied_total", dimensions: [("type", type)]).increment(by: count)
        }
        ignored.increment(by: effects.ignoredCount)
        duplicates.increment(by: effects.duplicateCount)
        parked.increment(by: effects.parkings.count)
    }

    func repeats(_ count: Int) { duplicates.increment(by: count) }

    func retry(_ kind: FailureKind) {
        if case .outage = kind { outages.increment() } else { conflicts.increment() }
    }

    func buried(class: String) {
        Counter(label: "dead_letters_total", dimensions: [("class", `class`)]).increment()
    }

    func record(_ backlog: Backlog) {
        for (cause, count) in [
            (ParkingCause.predecessor, backlog.gapCount), (.deadPredecessor, backlog.deadGapCount),
            (.readiness, backlog.notReadyCount),
        ] {
            Gauge(label: "inbox_parked", dimensions: [("waits_for", cause.rawValue)]).record(count)
        }
        Gauge(label: "inbox_holes").record(backlog.holeCount)
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
