import Metrics

/// Counts outcomes and hands them on once per turn of the loop: a metrics call per message would cost as much as the
/// message.
struct PublisherMetrics {
    private let confirmedTotal: Counter
    private let returnedTotal: Counter
    private let nackedTotal: Counter
    private let unknownTotal: Counter
    private let unconfirmedGauge: Gauge
    private let blockedGauge: Gauge
    private var (confirmed, returned, nacked, unknown) = (0, 0, 0, 0)
    private var lastOutstanding = 0
    private var lastIsBlocked = false

    init(connection: String) {
        func counter(_ outcome: String) -> Counter {
            Counter(
                label: "rabbitmq_published_total", dimensions: [("connection", connection), ("outcome", outcome)])
        }
        confirmedTotal = counter("confirmed")
        returnedTotal = counter("returned")
        nackedTotal = counter("nacked")
        unknownTotal = counter("unknown")
        unconfirmedGauge = Gauge(label: "rabbitmq_unconfirmed", dimensions: [("connection", connection)])
        blockedGauge = Gauge(label: "rabbitmq_blocked", dimensions: [("connection", connection)])
    }

    mutating func count(_ outcome: PublishOutcome, times: Int = 1) {
        switch outcome {
        case .confirmed: confirmed += times
        case .returned: returned += times
        case .nacked: nacked += times
        case .unknown: unknown += times
        }
    }

    mutating func flush(outstanding: Int, isBlocked: Bool) {
        if confirmed > 0 { confirmedTotal.increment(by: confirmed) }
        if returned > 0 { returnedTotal.increment(by: returned) }
        if nacked > 0 { nackedTotal.increment(by: nacked) }
        if unknown > 0 { unknownTotal.increment(by: unknown) }
        (confirmed, returned, nacked, unknown) = (0, 0, 0, 0)
        if outstanding != lastOutstanding { unconfirmedGauge.record(outstanding) }
        if isBlocked != lastIsBlocked { blockedGauge.record(isBlocked ? 1 : 0) }
        (lastOutstanding, lastIsBlocked) = (outstanding, isBlocked)
    }
}
