package import Events
package import Logging
import Observability
package import Postgres
import ServiceLifecycle

/// Brings committed events from the outbox to the broker. Every replica of a service runs one; a session lock in the
/// database lets one of them work, and the others stand by.
///
/// Delivery is at least once. The events of a subject arrive in their order, except those in flight together of which
/// the broker refuses only some; these are published once more, in order, behind the refused one.
package struct OutboxRelay: Service {
    private let owner: EventOwner
    private let pool: PostgresPool
    private let publisher: any MessagePublisher
    private let wakeUp: RelayWakeUp
    private let context: RelayContext

    /// - Parameters:
    ///   - owner: whose events these are; another service's are never published.
    ///   - pool: lends one connection for as long as this relay is the active one.
    ///   - wakeUp: signalled by whoever commits events in this process.
    package init(
        owner: EventOwner, pool: PostgresPool, publisher: any MessagePublisher, wakeUp: RelayWakeUp,
        settings: RelaySettings = RelaySettings(), logger: Logger
    ) {
        self.owner = owner
        self.pool = pool
        self.publisher = publisher
        self.wakeUp = wakeUp
        context = RelayContext(settings: settings, metrics: RelayMetrics(), logger: logger)
    }

    /// Runs until the graceful shutdown, where it finishes what it has claimed, or until the task is cancelled.
    package func run() async throws {
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully && !Task.isCancelled {
                await takePart()
                let interval = context.settings.standbyInterval * Double.random(in: 0.5...1.5)
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
            }
        } onGracefulShutdown: { [wakeUp] in
            wakeUp.signal()
        }
        context.metrics.waiting(for: nil)
    }

    /// Leads if nobody else does.
    private func takePart() async {
        // What the outbox holds is told by whoever leads; what a former leader told last would stand for ever.
        defer { context.metrics.backlog(OutboxStore.Backlog(rowCount: 0, oldestAgeSeconds: 0)) }
        do {
            try await pool.withConnection { lease in
                let store = OutboxStore(lease, MessageFactory(owner: owner))
                guard try await store.becomeLeader() else { return context.metrics.waiting(for: .standby) }
                context.logger.info("the relay of this replica is active")
                try await store.loseSession(afterSilenceOf: context.settings.silenceMax)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    defer { group.cancelAll() }
                    group.addTask { try await sayThatWeAreThere(store) }
                    group.addTask {
                        var leader = RelayLeader(store: store, publisher: publisher, wakeUp: wakeUp, context: context)
                        try await leader.lead()
                    }
                    // A lost session is heard by the beat first, while the leader waits for confirms.
                    try await group.next()
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            context.metrics.waiting(for: .database)
            context.logger.warning("the relay lost its place", metadata: [LogKeys.error: "\(error)"])
        }
    }

    /// The leader itself says nothing while it waits for confirms.
    private func sayThatWeAreThere(_ store: OutboxStore) async throws {
        while true {
            try await Task.sleep(for: context.settings.heartbeatInterval)
            try await store.beat()
        }
    }
}

/// What the parts of a relay share.
struct RelayContext: Sendable {
    let settings: RelaySettings
    let metrics: RelayMetrics
    let logger: Logger
    var time: any RelayTime = SystemTime()
}
