import HTTPDefaults
import Logging
import Observability
import Postgres
import ServiceLifecycle

/// Deletes answers to commands once their 24 hours are over. Every replica does it; rows are claimed one by one, so
/// they share the work without knowing of each other.
struct CommandPurge: Service {
    private static let interval = Duration.seconds(600)
    private static let batchCountMax = 1_000

    let pool: PostgresPool
    let logger: Logger

    func run() async throws {
        // Ends at the graceful shutdown by cancellation, which is then no error.
        try? await cancelWhenGracefulShutdown {
            while true {
                await purge()
                try await Task.sleep(for: Self.interval)
            }
        }
    }

    private func purge() async {
        do throws(PostgresError) {
            while try await IdempotentCommand.purge(pool, limit: Self.batchCountMax) == Self.batchCountMax {}
        } catch {
            logger.warning("old commands were not purged", error: error)
        }
    }
}
