package import Logging

package enum ExchangeType: String, Sendable {
    case topic, fanout, direct
}

/// Declares and looks at queues and exchanges: for deployment and tests. The services' own users may configure nothing.
///
/// Every function throws ``RabbitMQError`` with the object's name: `.notFound`, `.preconditionFailed` when the object
/// exists with other properties, `.accessRefused`.
package struct RabbitAdministrator: Sendable {
    private let session: AdministrativeSession

    /// Lends a connection for the closure.
    /// - Throws: what the closure throws, or ``RabbitMQError`` when there is no connection.
    package static func withConnection<R>(
        _ configuration: RabbitMQConfiguration, logger: Logger,
        _ body: (RabbitAdministrator) async throws -> R
    ) async throws -> R {
        let session = AdministrativeSession()
        try await session.open(configuration)
        logger.debug("administering the broker", metadata: ["broker": "\(configuration)"])
        do {
            let result = try await body(RabbitAdministrator(session: session))
            await session.close()
            return result
        } catch {
            await session.close()
            throw error
        }
    }

    /// A durable exchange.
    package func declareExchange(
        _ name: String, type: ExchangeType, arguments: [(String, HeaderValue)] = []
    ) async throws(RabbitMQError) {
        try await session.perform(.declareExchange(name, type, arguments))
    }

    /// A durable queue.
    package func declareQueue(_ name: String, arguments: [(String, HeaderValue)]) async throws(RabbitMQError) {
        try await session.perform(.declareQueue(name, arguments))
    }

    package func bind(queue: String, exchange: String, routingKey: String) async throws(RabbitMQError) {
        try await session.perform(.bind(queue: queue, exchange: exchange, routingKey: routingKey))
    }

    /// Messages that are ready, without those that are out to consumers.
    package func messageCount(queue: String) async throws(RabbitMQError) -> Int {
        try await session.perform(.count(queue))
    }

    /// Deletes the queue with what is in it; a queue that does not exist is no error.
    package func deleteQueue(_ name: String) async throws(RabbitMQError) {
        try await session.perform(.deleteQueue(name))
    }

    package func deleteExchange(_ name: String) async throws(RabbitMQError) {
        try await session.perform(.deleteExchange(name))
    }

    package func purge(queue: String) async throws(RabbitMQError) {
        try await session.perform(.purge(queue))
    }

    /// Takes the first message off the queue, for good.
    package func get(queue: String) async throws(RabbitMQError) -> (delivery: Delivery, body: [UInt8])? {
        try await session.get(queue)
    }
}
