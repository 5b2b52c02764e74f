import Logging
import Observability
import ServiceLifecycle
import ServiceRuntime

/// Deletes what people entered and nobody needs any more, and seals what lies open. All replicas do it; each deletes
/// what it finds.
struct GiverSweep: Service {
    private static let interval = Duration.seconds(600)
    private static let rowCountMax = 1_000

    let givers: GiverStore
    let volunteers: VolunteerStore
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
            let (now, limit) = (clock.now(), Self.rowCountMax)
            while try await givers.deleteEndedDrafts(now: now, limit: limit) == limit {}
            while try await volunteers.deleteExpired(now: now, limit: limit) == limit {}
            while try await volunteers.sealOlder(limit: limit) == limit {}
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning("what givers left could not be deleted at its term or sealed", error: error)
        }
    }
}
