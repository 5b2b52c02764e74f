import ConnectionLoop

/// The connection behind an administrator; blocks its own thread and no other.
actor AdministrativeSession {
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
