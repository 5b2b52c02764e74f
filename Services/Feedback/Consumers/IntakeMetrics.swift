import Metrics

/// What an operator watches about the intake; names in docs/operating.md.
struct IntakeMetrics: Sendable {
    let publisher: String

    /// Messages by outcome, and what one batch took.
    func settled(_ tally: IntakeTally, batchCount: Int, duration: Duration) {
        for (outcome, count) in [
            ("accepted", tally.accepted), ("duplicate", tally.duplicates), ("refused", tally.refused),
            ("waiting", tally.waiting),
        ] where count > 0 {
            Counter(
                label: "maillage_feedback_messages_total", dimensions: [("publisher", publisher), ("outcome", outcome)]
            ).increment(by: count)
        }
        if tally.masked > 0 {
            Counter(label: "maillage_feedback_masked_identifiers_total", dimensions: [("publisher", publisher)])
                .increment(by: tally.masked)
        }
        Timer(label: "maillage_feedback_batch_seconds", dimensions: [("publisher", publisher)])
            .recordNanoseconds(
                duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }

    /// The database was not there.
    func failed() {
        Counter(label: "maillage_feedback_batch_failures_total", dimensions: [("publisher", publisher)]).increment()
    }

    /// Alarm: the broker gave up on a message, after a hundred deliveries that nobody acknowledged.
    func gaveUp() {
        Counter(label: "maillage_feedback_dead_letters_total", dimensions: [("publisher", publisher)]).increment()
    }

    /// Alarm: a message made the database fail.
    func poisoned() {
        Counter(label: "maillage_feedback_poison_total", dimensions: [("publisher", publisher)]).increment()
    }
}
