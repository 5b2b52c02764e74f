import Metrics

/// The metrics of one pool. All carry its application name as `pool`.
struct PostgresMetrics: Sendable {
    /// Idle, lent and opening connections.
    let connections: Gauge
    /// Callers that found no free connection.
    let waits: Counter
    /// How long they waited.
    let waitDuration: Timer
    /// From sending a statement to the last byte of its answer.
    let statementDuration: Timer
    /// Connections that ended otherwise than by our will.
    let connectionsLost: Counter
    /// Closures of transactions that ran again after a serialisation failure or a deadlock.
    let transactionRetries: Counter

    init(pool: String) {
        let dimensions = [("pool", pool)]
        connections = Gauge(label: "postgres_pool_connections", dimensions: dimensions)
        waits = Counter(label: "postgres_pool_waits_total", dimensions: dimensions)
        waitDuration = Timer(label: "postgres_pool_wait_duration_seconds", dimensions: dimensions)
        statementDuration = Timer(label: "postgres_statement_duration_seconds", dimensions: dimensions)
        connectionsLost = Counter(label: "postgres_connections_lost_total", dimensions: dimensions)
        transactionRetries = Counter(label: "postgres_transaction_retries_total", dimensions: dimensions)
    }
}
