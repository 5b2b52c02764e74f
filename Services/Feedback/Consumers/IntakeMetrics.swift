import Metrics

/// What a message came in by.
enum IntakeDoor: String, Sendable {
    case amqp
    case http
    /// A page of our own.
    case page
}

/// What an operator watches about the intake; names in docs/operating.md.
struct IntakeMetrics: Sendable {
    let publisher: String
    let door: IntakeDoor
    var factory: any MetricsFactory = MetricsSystem.factory

    private var labels: [(String, String)] { [("publisher", publisher), ("door", door.rawValue)] }

    private func counter(_ label: String, _ further: [(String, String)] = []) -> Counter {
        Counter(label: label, dimensions: labels + further, factory: factory)
    }

    /// Messages by outcome, and what one batch took.
    func settled(_ tally: IntakeTally, duration: Duration) {
        for (outcome, count) in [
            ("accepted", tally.accepted), ("duplicate", tally.duplicates), ("refused", tally.refused),
            ("waiting", tally.waiting),
        ] where count > 0 {
            counter("maillage_feedback_messages_total", [("outcome", outcome)]).increment(by: count)
        }
        if tally.masked > 0 { counter("maillage_feedback_masked_identifiers_total").increment(by: tally.masked) }
        Timer(label: "maillage_feedback_batch_seconds", dimensions: labels, factory: factory)
            .recordNanoseconds(
                duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }

    /// The database was not there.
    func failed() { counter("maillage_feedback_batch_failures_total").increment() }

    /// Alarm: the broker gave up on a message, after a hundred deliveries that nobody acknowledged.
    func gaveUp() { counter("maillage_feedback_dead_letters_total").increment() }

    /// Alarm: a message made the database fail.
    func poisoned() { counter("maillage_feedback_poison_total").increment() }

    /// At the HTTP door, before it was read.
    func turnedAway() { counter("maillage_feedback_turned_away_total").increment() }
}
