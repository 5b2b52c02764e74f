import Outbox
import RabbitMQ

/// Publishes to the benchmark's exchange in the place of the owner's.
struct RedirectedPublisher: MessagePublisher {
    let publisher: RabbitPublisher
    let exchange: String
    /// Told the ids of what the broker confirmed, call by call.
    let onConfirm: @Sendable ([String]) -> Void
    var isBlocked: Bool { get async { await publisher.isBlocked } }

    func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
        var messages = messages
        for index in messages.indices { messages[index].exchange = exchange }
        let outcomes = await publisher.publish(messages, deadline: deadline)
        onConfirm(zip(messages, outcomes).filter { $1 == .confirmed }.map(\.0.messageID))
        return outcomes
    }
}
