import ConnectionLoop
package import Logging

package enum ExchangeType: String, Sendable {
    case topic, fanout, direct
}

/// Declares and looks at queues and exchanges: for deployment and tests. The services' own users may configure nothing.
///
/// Every function throws ``RabbitMQError`` with the object's name: `.notFound`, `.preconditionFailed` when the object exists
/// with other properties, `.accessRefused`.
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

/// The connection behind an administrator; blocks its own thread and no other.
private actor AdministrativeSession {
    enum Request {
        case declareExchange(String, ExchangeType, [(String, HeaderValue)])
        case declareQueue(String, [(String, HeaderValue)])
        case bind(queue: String, exchange: String, routingKey: String)
        case count(String)
        case deleteQueue(String)
        case deleteExchange(String)
        case purge(String)

        var object: String {
            switch self {
            case .declareExchange(let name, _, _), .deleteExchange(let name): "exchange \(name)"
            case .declareQueue(let name, _), .count(let name), .deleteQueue(let name), .purge(let name): "queue \(name)"
            case .bind(let queue, let exchange, _): "binding of queue \(queue) to exchange \(exchange)"
            }
        }
    }

    private nonisolated let loop = LoopExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private var connection: AMQPConnection?

    isolated deinit { loop.stop() }

    func open(_ configuration: RabbitMQConfiguration) throws(RabbitMQError) {
        // No heartbeat: between two questions nobody would answer the broker's.
        let connection = try AMQPConnection.open(configuration, withHeartbeat: false)
        try connection.openChannel()
        self.connection = connection
    }

    func close() {
        connection?.close(within: .seconds(1))
        connection = nil
    }

    @discardableResult
    func perform(_ request: Request) throws(RabbitMQError) -> Int {
        try onChannel(about: request.object) { connection throws(RabbitMQError) in
            switch request {
            case .declareExchange(let name, let type, let arguments):
                try connection.declareExchange(name, type: type.rawValue, arguments: arguments)
            case .declareQueue(let name, let arguments):
                return try connection.declareQueue(name, arguments: arguments)
            case .bind(let queue, let exchange, let routingKey):
                try connection.bind(queue: queue, exchange: exchange, routingKey: routingKey)
            case .count(let name):
                return try connection.declareQueue(name, arguments: [], onlyIfItExists: true)
            case .deleteQueue(let name):
                try connection.deleteQueue(name)
            case .deleteExchange(let name):
                try connection.deleteExchange(name)
            case .purge(let name):
                try connection.purge(name)
            }
            return 0
        }
    }

    func get(_ queue: String) throws(RabbitMQError) -> (delivery: Delivery, body: [UInt8])? {
        try onChannel(about: "queue \(queue)") { connection throws(RabbitMQError) in
            try connection.get(queue)
        }
    }

    /// The broker closes the channel with every refusal, so the next question gets a new one.
    private func onChannel<R>(
        about object: String, _ body: (AMQPConnection) throws(RabbitMQError) -> R
    ) throws(RabbitMQError) -> R {
        guard let connection else { throw RabbitMQError(.connectionLost, "the administrator's connection is closed") }
        do {
            return try body(connection)
        } catch {
            if error.leavesConnectionOpen { try connection.openChannel() }
            throw error.about(object)
        }
    }
}
