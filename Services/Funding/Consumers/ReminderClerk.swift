import Logging
import Observability
import ServiceLifecycle

/// Looks now and then whether somebody has to be reminded of a statement.
struct ReminderClerk: Service {
    let reminders: StatementReminders
    let interval: Duration
    let logger: Logger

    func run() async throws {
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            do {
                while try await reminders.remind() >= StatementReminders.countMax {}
            } catch {
                logger.warning("nobody is reminded of statements now", metadata: [LogKeys.error: "\(error)"])
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        }
    }
}
