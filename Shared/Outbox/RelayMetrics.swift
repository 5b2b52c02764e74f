import Logging
import Metrics

/// What a relay waits for; at most one at a time.
enum RelayWait: String, CaseIterable, Sendable {
    /// Another replica is active.
    case standby
    /// The database does not answer.
    case database
    /// The broker asked publishers to stop.
    case brokerBlocked = "broker-blocked"
    /// The last messages were not confirmed, and nothing new is sent before some are.
    case brokerSilent = "broker-silent"
    /// Too many subjects are held back.
    case holds
}

/// `outbox_rows`, `outbox_oldest_age_seconds`, `relay_published_total`, `relay_failed_total{outcome}`,
/// `relay_held_subjects`, `relay_lag_seconds` (from the recording of an event to its confirm) and
/// `relay_waiting_for{reason}`.
struct RelayMetrics {
    private let rows = Gauge(label: "outbox_rows")
    private let oldestAge = Gauge(label: "outbox_oldest_age_seconds")
    private let published = Counter(label: "relay_published_total")
    private let heldSubjects = Gauge(label: "relay_held_subjects")
    private let lag = Timer(label: "relay_lag_seconds")
    private let failed: [RelayFailure: Counter]
    private let waits: [RelayWait: Gauge]

    init() {
        failed = Dictionary(
            uniqueKeysWithValues: RelayFailure.allCases.map {
                ($0, Counter(label: "relay_failed_total", dimensions: [("outcome", $0.rawValue)]))
            })
        waits = Dictionary(
            uniqueKeysWithValues: RelayWait.allCases.map {
                ($0, Gauge(label: "relay_waiting_for", dimensions: [("reason", $0.rawValue)]))
            })
    }

    /// - Parameter reason: nil when the relay works or has nothing to do.
    func waiting(for reason: RelayWait?) {
        for (wait, gauge) in waits { gauge.record(wait == reason ? 1 : 0) }
    }

    func backlog(_ backlog: OutboxStore.Backlog) {
        rows.record(backlog.rowCount)
        oldestAge.record(backlog.oldestAgeSeconds)
    }

    /// - Parameter lag: of the flight's oldest row.
    func settled(_ settlement: RelayProgress.Settlement, lag: Duration, heldSubjectCount: Int) {
        published.increment(by: settlement.publishedCount)
        for (failure, count) in settlement.failures { failed[failure]?.increment(by: count) }
        heldSubjects.record(heldSubjectCount)
        if settlement.publishedCount > 0 { self.lag.recordNanoseconds(lag.nanoseconds) }
    }
}

extension Duration {
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
