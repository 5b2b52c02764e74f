import Events
import FoundationEssentials
import Logging
import Metrics
import Observability
import Outbox
import ServiceLifecycle

/// The net under events that wait: looks again at those that became due, refuses those that waited too long, and goes
/// on with the reviews that a late fact or instrument asked for. All replicas do it; the experiments' locks keep them
/// apart.
struct WaitingSweep: Service {
    private static let interval = Duration.seconds(1)
    /// A day.
    static let waitSecondsMax = 86_400

    let intake: IntakeStore
    let wakeUps: [RelayWakeUp]
    let logger: Logger
    var metricsFactory: any MetricsFactory = MetricsSystem.factory

    func run() async throws {
        // Ends at the graceful shutdown by cancellation, which is then no error.
        try? await cancelWhenGracefulShutdown {
            while true {
                await sweep()
                try await Task.sleep(for: Self.interval * Double.random(in: 0.8...1.2))
            }
        }
    }

    private func sweep() async {
        do {
            while try await sweepOnce() > 0 {
                for wakeUp in wakeUps { wakeUp.signal() }
            }
            while try await intake.gatherForInstruments() {}
            while let step = try await intake.reviewOldest() {
                if let failure = step.failure { report(failure, of: step.experiment) }
                for wakeUp in wakeUps { wakeUp.signal() }
            }
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning("waiting events could not be looked at", error: error)
        }
    }

    private func report(_ failure: ReviewStep.Failure, of experiment: UUID) {
        Counter(label: "maillage_feedback_review_failures_total", factory: metricsFactory).increment()
        logger.error(
            "a review failed and is put off", error: failure.error,
            metadata: ["experiment": "\(experiment.lowercase)", "attempts": "\(failure.attempts)"])
    }

    /// All that is due together; if one of them makes the database fail, the first alone, and if it is that one, it is
    /// refused.
    private func sweepOnce() async throws -> Int {
        do {
            return try await intake.sweep(waitSecondsMax: Self.waitSecondsMax)
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
        }
        do {
            return try await intake.sweep(waitSecondsMax: Self.waitSecondsMax, limit: 1)
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
            logger.error("a waiting event makes the database fail and is quarantined", error: error)
            return try await intake.sweep(waitSecondsMax: Self.waitSecondsMax, limit: 1, isPoisoned: true)
        }
    }
}
