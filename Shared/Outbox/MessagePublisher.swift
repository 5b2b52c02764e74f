package import RabbitMQ

/// What the relay needs of a broker: ``RabbitPublisher``, or a double in tests.
package protocol MessagePublisher: Sendable {
    /// Publishes and waits for the outcome of each message, in the order given. Calls that overlap keep their order.
    func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome]
    /// Whether the broker asked to stop.
    var isBlocked: Bool { get async }
}

extension RabbitPublisher: MessagePublisher {}
