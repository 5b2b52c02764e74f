package import Logging
import Metrics
import Observability
import Postgres
import ServiceLifecycle

/// Publishes checkpoints of the log. Every replica runs one; a row's lock and its time make it one checkpoint per
/// interval for all of them. When nothing is appended any more, it goes quiet: a checkpoint does not count itself.
///
/// `log_checkpoints_total`, `log_checkpoint_position`, and `log_checkpoint_unsettled_seconds`: for how long a
/// transaction that is still open has held up the next one.
package struct LogCheckpointer: Service {
    /// Between two looks at the transactions that run.
    private static let settlingInterval = Duration.milliseconds(200)

    private let maker: CheckpointMaker
    private let interval: Duration
    private let wakeUp: RelayWakeUp
    private let logger: Logger
    private let published = Counter(label: "log_checkpoints_total")
    private let position = Gauge(label: "log_checkpoint_position")
    private let unsettled = Gauge(label: "log_checkpoint_unsettled_seconds")

    package init(maker: CheckpointMaker, interval: Duration, wakeUp: RelayWakeUp, logger: Logger) {
        self.maker = maker
        self.interval = interval
        self.wakeUp = wakeUp
        self.logger = logger
    }

    package func run() async throws {
        var maker = maker
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            var pause = interval / 4 * Double.random(in: 0.75...1)
            do {
                pause = min(pause, try await step(&maker))
            } catch {
                guard !Task.isCancelled else { return }
                logger.warning(
                    "the log was not summed up",
                    metadata: [LogKeys.error: "\((error as? PostgresError)?.description ?? "\(type(of: error))")"])
            }
            unsettled.record(maker.unsettledTime.seconds)
            try? await cancelWhenGracefulShutdown { [pause] in try await Task.sleep(for: pause) }
        }
    }

    /// - Returns: when to look again at the latest.
    private func step(_ maker: inout CheckpointMaker) async throws -> Duration {
        switch try await maker.advance() {
        case .idle, .taken: return interval
        case .unsettled: return Self.settlingInterval
        case .recorded(let position, let isPublished, let hasMore):
            self.position.record(position)
            if isPublished {
                published.increment()
                wakeUp.signal()
            }
            return hasMore ? .zero : interval
        }
    }
}
