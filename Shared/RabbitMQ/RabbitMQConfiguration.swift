/// Where the broker is and how long we wait for it.
///
/// ## Configuration keys
/// - `broker.url` (secret): `amqp://user:password@host[:port][,host[:port]…]/virtual-host`, parts percent-encoded,
///   default port 5672, default virtual host `/`. Several hosts are the nodes of one cluster and are tried in turn.
package struct RabbitMQConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    struct Endpoint: Sendable, Equatable {
        let host: String
        let port: UInt16
        var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    let endpoints: [Endpoint]
    let virtualHost: String
    let user: String
    let password: String
    /// Shown by the broker beside the connection.
    package let connectionName: String
    /// Agreed with the broker, 1 s … 1 h; a connection that was silent for twice this time is lost.
    package let heartbeat: Duration
    /// For reaching one node and logging in.
    package let connectTimeout: Duration
    /// For one question to the broker, and for writing one chunk of messages.
    package let operationTimeout: Duration

    /// - Throws: `.configuration`; the reason never shows the address, which holds the password.
    package init(
        url: String, connectionName: String, heartbeat: Duration = .seconds(10),
        connectTimeout: Duration = .seconds(5), operationTimeout: Duration = .seconds(15)
    ) throws(RabbitMQError) {
        var address = try BrokerAddress(parsing: url)
        guard heartbeat >= .seconds(1), heartbeat <= .seconds(3600) else {
            throw RabbitMQError(.configuration, "the heartbeat must be between 1 s and 1 h")
        }
        guard connectTimeout > .zero, operationTimeout > .zero else {
            throw RabbitMQError(.configuration, "a timeout must be positive")
        }
        if address.endpoints.isEmpty { address.endpoints = [Endpoint(host: "localhost", port: 5672)] }
        endpoints = address.endpoints
        virtualHost = address.virtualHost
        user = address.user
        password = address.password
        self.connectionName = connectionName
        self.heartbeat = heartbeat
        self.connectTimeout = connectTimeout
        self.operationTimeout = operationTimeout
    }

    /// The nodes' names or addresses.
    package var hosts: [String] { endpoints.map(\.host) }

    package var description: String {
        "\(connectionName) at \(endpoints.map(\.description).joined(separator: ",")) virtual host \(virtualHost)"
    }

    /// Without the credentials, also for `dump` and `String(reflecting:)`.
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    /// librabbitmq wants whole seconds.
    var heartbeatSeconds: Int32 { Int32(heartbeat.components.seconds) }
}
