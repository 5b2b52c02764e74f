import Logging
import Migrations
import Observability
import Postgres
import RabbitMQ

/// What must hold before a service begins: database and broker answer, and the schema is the one that this binary
/// knows.
struct StartUp: Sendable {
    /// Why the service did not begin.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let pool: PostgresPool
    let migrator: Migrator
    let broker: RabbitMQConfiguration
    let timeout: Duration
    let logger: Logger

    /// Waits for database and broker, together at most `timeout`, then checks the migrations.
    /// - Throws: ``Failure`` after the time is up, at once for what waiting cannot mend; `MigrationsError`.
    func run() async throws {
        let deadline = ContinuousClock.now + timeout
        try await wait(for: "database", until: deadline) {
            do throws(PostgresError) { try await pool.query("select 1") } catch {
                return (reason: error.description, isFinal: error.code == .configuration)
            }
            return nil
        }
        try await migrator.check(on: pool)
        try await wait(for: "broker", until: deadline) {
            do {
                try await RabbitAdministrator.withConnection(broker, logger: logger) { _ in }
            } catch let error as RabbitMQError {
                return (reason: error.description, isFinal: !error.isRetriable)
            }
            return nil
        }
    }

    private func wait(
        for name: String, until deadline: ContinuousClock.Instant,
        attempt: () async throws -> (reason: String, isFinal: Bool)?
    ) async throws {
        var pause = Duration.milliseconds(100)
        while let problem = try await attempt() {
            try Task.checkCancellation()
            guard !problem.isFinal else { throw Failure(description: "the \(name) refuses us: \(problem.reason)") }
            guard ContinuousClock.now + pause < deadline else {
                throw Failure(description: "no \(name) within \(timeout): \(problem.reason)")
            }
            logger.warning(
                "waiting", metadata: [LogKeys.component: .string(name), LogKeys.reason: .string(problem.reason)])
            // Jitter, so that five services that start together do not knock together.
            try await Task.sleep(for: pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, .seconds(2))
        }
    }
}
