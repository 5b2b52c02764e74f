import Events
import Logging
import Observability
import Outbox
import RabbitMQ
import ServiceLifecycle
import Synchronization

/// Listens to the queue of every publisher, also to those that are registered while it runs: a consumer for each, so
/// that none can crowd out another.
final class PublisherIntakes: Service {
    private static let pollInterval = Duration.seconds(1)
    /// Two events take the intake, the relay and reporting about as long as fifty of the same experiments: under load
    /// everybody waits less where nobody is in a hurry.
    private static let batchWait = Duration.milliseconds(10)

    private struct Followed {
        var consumers: [String: RabbitConsumer] = [:]
        var isComplete = false
    }

    private let store: ProvisioningStore
    private let broker: RabbitMQConfiguration
    private let batchCountMax: Int
    private let intake: IntakeStore
    private let wakeUps: [RelayWakeUp]
    private let logger: Logger
    private let followed = Mutex(Followed())

    init(
        intake: IntakeStore, broker: RabbitMQConfiguration, batchCountMax: Int, wakeUps: [RelayWakeUp], logger: Logger
    ) {
        self.intake = intake
        store = ProvisioningStore(pool: intake.pool)
        self.broker = broker
        self.batchCountMax = batchCountMax
        self.wakeUps = wakeUps
        self.logger = logger
    }

    /// nil when every known publisher is listened to.
    func problem() async -> String? {
        let (consumers, isComplete) = followed.withLock { ($0.consumers, $0.isComplete) }
        guard isComplete else { return "the publishers are not known yet" }
        var silent: [String] = []
        for (publisher, consumer) in consumers.sorted(by: { $0.key < $1.key }) where await !consumer.isConnected {
            silent.append(publisher)
        }
        return silent.isEmpty ? nil : "not connected: \(silent.joined(separator: ", "))"
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                for publisher in await unfollowed() {
                    let intake = follow(publisher)
                    group.addTask { await self.run(intake) }
                }
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pollInterval) }
            }
            // Each drains by itself.
            await group.waitForAll()
        }
    }

    /// One that fails is listened to anew: it must neither stop the others nor fall silent.
    private func run(_ intake: FeedbackIntake) async {
        do {
            try await intake.run()
        } catch {
            guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
            logger.error("an intake ended and begins anew", error: error)
            followed.withLock { $0.consumers[intake.publisher] = nil }
        }
    }

    private func unfollowed() async -> [String] {
        let store = store
        do {
            let names = try await cancelWhenGracefulShutdown { try await store.provisioned() }
            return followed.withLock { followed in
                followed.isComplete = true
                return names.filter { followed.consumers[$0] == nil }
            }
        } catch {
            if !Task.isShuttingDownGracefully, !Task.isCancelled {
                logger.warning("the publishers cannot be read", error: error)
            }
            return []
        }
    }

    private func follow(_ publisher: String) -> FeedbackIntake {
        let consumer = RabbitConsumer(
            configuration: broker, queue: FeedbackSubmission.queue(of: publisher), batchCountMax: batchCountMax,
            batchWait: Self.batchWait, batchesInFlight: FeedbackIntake.batchCountInFlight, logger: logger)
        followed.withLock { $0.consumers[publisher] = consumer }
        return FeedbackIntake(
            publisher: publisher, consumer: consumer, intake: intake, wakeUps: wakeUps, logger: logger)
    }
}
