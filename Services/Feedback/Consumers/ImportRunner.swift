import Logging
import Observability
import Outbox
import ServiceLifecycle
import ServiceRuntime

/// Takes imports on, whoever of the replicas began them, and forgets those whose time is over.
struct ImportRunner: Service {
    private static let pollInterval = Duration.seconds(1)
    private static let forgetInterval = Duration.seconds(600)
    private static let forgottenCountMax = 100

    let stepper: ImportStepper
    let imports: ImportStore
    let clock: ProgrammeClock
    /// An import has a step to take.
    let isDue: RelayWakeUp
    /// There are events to relay.
    let wakeUp: RelayWakeUp
    let logger: Logger

    func run() async throws {
        // Ends at the graceful shutdown by cancellation, which is then no error.
        try? await cancelWhenGracefulShutdown {
            var forgetsAt = ContinuousClock.now
            while !Task.isCancelled {
                if ContinuousClock.now >= forgetsAt {
                    forgetsAt = ContinuousClock.now + Self.forgetInterval
                    await forget()
                }
                do {
                    while try await stepper.advance() { wakeUp.signal() }
                    await isDue.wait(atMost: Self.pollInterval)
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("an import waits", error: error)
                    try await Task.sleep(for: Self.pollInterval * Double.random(in: 0.8...1.2))
                }
            }
        }
    }

    /// By itself: a file that cannot be taken in must not keep those of others beyond their time.
    private func forget() async {
        do {
            while try await imports.forget(now: clock.now(), limit: Self.forgottenCountMax) > 0 {}
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning("files are not forgotten", error: error)
        }
    }
}
