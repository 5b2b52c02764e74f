import Events
import Metrics

/// `inbox_missing{owner,type}` (events that the owner logged and that did not come), `inbox_holes{owner}` (subjects of
/// ordered nouns of which an event is missing), `inbox_checkpoint_age_seconds{owner}`, `inbox_parked{waits_for}`,
/// and `inbox_stalled_seconds` (since the last batch that took effect, 0 when there is none to apply). All but the last
/// are the listener's as a whole: every replica tells the same.
struct CompletenessMetrics: Sendable {
    private let stalledSeconds = Gauge(label: "inbox_stalled_seconds")

    func stalled(_ time: Duration) { stalledSeconds.record(time.seconds) }

    func record(_ report: CompletenessReport) {
        for count in report.counts where count.expectedCount != nil {
            let labels = [("owner", count.owner.rawValue), ("type", count.type)]
            Gauge(label: "inbox_missing", dimensions: labels).record(count.missingCount)
        }
        for checkpoint in report.checkpoints {
            let labels = [("owner", checkpoint.owner.rawValue)]
            let holeCount = report.holes.count { $0.owner == checkpoint.owner }
            Gauge(label: "inbox_holes", dimensions: labels).record(holeCount)
            if let age = checkpoint.ageSeconds {
                Gauge(label: "inbox_checkpoint_age_seconds", dimensions: labels).record(age)
            }
        }
        let backlog = report.backlog
        for (cause, count) in [
            (ParkingCause.predecessor, backlog.waitingForPredecessorCount),
            (.deadPredecessor, backlog.waitingForDeadPredecessorCount), (.readiness, backlog.notReadyCount),
        ] {
            Gauge(label: "inbox_parked", dimensions: [("waits_for", cause.rawValue)]).record(count)
        }
    }
}
