import Metrics

struct ConsumerMetrics {
    private let consumedTotal: Counter
    private let cancelledTotal: Counter
    private let abandonedTotal: Counter
    private let isolatedTotal: Counter
    private let connectedGauge: Gauge

    init(connection: String, queue: String) {
        let dimensions = [("connection", connection), ("queue", queue)]
        consumedTotal = Counter(label: "rabbitmq_consumed_total", dimensions: dimensions)
        cancelledTotal = Counter(label: "rabbitmq_consumer_cancelled_total", dimensions: dimensions)
        abandonedTotal = Counter(label: "rabbitmq_batches_abandoned_total", dimensions: dimensions)
        isolatedTotal = Counter(label: "rabbitmq_consumer_isolations_total", dimensions: dimensions)
        connectedGauge = Gauge(label: "rabbitmq_consumer_connected", dimensions: dimensions)
    }

    func consumed(_ count: Int) { consumedTotal.increment(by: count) }
    func cancelled() { cancelledTotal.increment() }
    func abandoned() { abandonedTotal.increment() }
    /// A message came again, and the consumer goes step by step.
    func isolated() { isolatedTotal.increment() }
    func connected(_ isConnected: Bool) { connectedGauge.record(isConnected ? 1 : 0) }
}
