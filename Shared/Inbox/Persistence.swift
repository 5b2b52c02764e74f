import ServiceLifecycle

/// Runs work on the database again while trying again can help.
struct Persistence: Sendable {
    private static let delayMaxMilliseconds = 5_000

    let settings: InboxSettings
    let metrics: InboxMetrics

    /// - Throws: the last error, when it is not the database's moment, when the conflicts do not end, when the outage
    ///   outlasts our patience, or when the process is to stop.
    func run<R>(_ work: () async throws -> R) async throws -> R {
        let patienceEnds = ContinuousClock.now + settings.outagePatience
        var (attemptCount, conflictCount) = (0, 0)
        while true {
            do {
                return try await work()
            } catch {
                let kind = FailureKind(error)
                switch kind {
                case .permanent, .stop: throw error
                case .conflict:
                    conflictCount += 1
                    guard conflictCount < settings.conflictAttemptCountMax else { throw error }
                case .outage:
                    guard ContinuousClock.now < patienceEnds else { throw error }
                }
                guard !Task.isShuttingDownGracefully else { throw error }
                metrics.retry(kind)
                attemptCount += 1
                let limit = min(50 << min(attemptCount, 10), Self.delayMaxMilliseconds)
                try await Task.sleep(for: .milliseconds(Int.random(in: limit / 2...limit)))
            }
        }
    }
}
