import Logging
import Observability
import ServiceLifecycle
import ServiceRuntime

/// Deletes what people entered and nobody needs any more. All replicas do it; each deletes what it finds.
struct GiverSweep: Service {
    private static let interval = Duration.seconds(600)
    private static let rowCountMax = 1_000

    let givers: GiverStore
    let clock: ProgrammeClock
    let logger: Logger

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
            while try await givers.deleteEndedDrafts(now: clock.now(), limit: Self.rowCountMax) == Self.rowCountMax {}
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning("drafts of ended links could not be deleted", error: error)
        }
    }
}
