import Events
import FeedbackDomain
import Inbox
import Logging
import Observability
import Outbox
import Postgres
import RabbitMQ
import ServiceRuntime

/// Answers what the outsiders' broker gave up on: a hundred deliveries ended without an acknowledgement, because our
/// process died or the database stayed away. The message goes through the intake's own door as refused, so that it is
/// quarantined and its publisher gets a receipt; one that was taken in after all is a duplicate there.
///
/// It is not judged again: what ended the process a hundred times would do so once more.
struct OutsideDeadLetters: Sendable {
    /// From this delivery on, a message is not even read.
    static let readDeliveryCountMax = 3

    private let intake: IntakeStore
    private let strangers: InboxProcessor
    private let wakeUps: [RelayWakeUp]
    private let logger: Logger

    init(pool: PostgresPool, intake: IntakeStore, wakeUps: [RelayWakeUp], logger: Logger) {
        self.intake = intake
        self.wakeUps = wakeUps
        self.logger = logger
        strangers = InboxProcessor(pool: pool, handlers: [], logger: logger)
    }

    func drain(of broker: RabbitMQConfiguration, queue: String = FeedbackSubmission.deadQueue) -> DeadLetterDrain {
        let consumer = DeadLetterDrain.consumer(broker, queue, logger)
        return DeadLetterDrain(queue: queue, consumer: consumer, logger: logger) { batch in
            try await settle(batch, through: consumer)
        }
    }

    private func settle(_ batch: DeliveryBatch, through consumer: RabbitConsumer) async throws {
        for (index, delivery) in batch.deliveries.enumerated() {
            guard let publisher = delivery.death.flatMap({ FeedbackSubmission.publisher(ofQueue: $0.queue) }) else {
                // Without its queue nobody knows who sent it, whatever it says itself.
                try await strangers.keepStrange(DeliveryBatch(deliveries: [delivery], bytes: batch.bytes))
                continue
            }
            let message = read(Array(batch.body(index)), of: publisher, deliveryNumber: delivery.deliveryCount + 1)
            let door = FeedbackIntake(
                publisher: publisher, consumer: consumer, intake: intake, wakeUps: wakeUps, logger: logger)
            _ = try await door.settle([message])
            IntakeMetrics(publisher: publisher, door: .amqp).gaveUp()
            logger.error(
                "the broker gave up on a message of a publisher",
                metadata: [LogKeys.queue: "\(FeedbackSubmission.queue(of: publisher))"])
        }
        for wakeUp in wakeUps { wakeUp.signal() }
    }

    private func read(_ body: [UInt8], of publisher: String, deliveryNumber: Int) -> InboundMessage {
        let now = intake.clock.now()
        guard deliveryNumber <= Self.readDeliveryCountMax else {
            return intake.reader.unread(body, publisher: publisher, clockAt: now)
        }
        let message = intake.reader.read(body, publisher: publisher, clockAt: now)
        // What it can be told exactly, it is.
        if case .failure = message.content { return message }
        return message.poisoned
    }
}
