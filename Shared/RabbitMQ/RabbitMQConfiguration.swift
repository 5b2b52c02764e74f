/// Where the broker is and how long we wait for it.
///
/// ## Configuration keys
/// - `broker.url` (secret): `amqp://user:password@host[:port][,host[:port]…]/virtual-host`, parts percent-encoded,
///   default port 5672, default virtual host `/`. Several hosts are the nodes of one cluster and are tried in turn.
///   `amqps://` is TLS 1.2 or later, default port 5671; the broker must prove its name by a certificate.
/// - `broker.ca-file`, `broker.certificate-file`, `broker.key-file`: see ``RabbitMQTLS``. With a certificate and an
///   `amqps` URL that names no user, the certificate logs in (SASL EXTERNAL).
package struct RabbitMQConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    struct Endpoint: Sendable, Equatable {
        let host: String
        let port: UInt16
        var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    let endpoints: [Endpoint]
    package let virtualHost: String
    /// nil: our certificate says who we are.
    let credentials: (user: String, password: String)?
    /// nil: plain AMQP.
    let tls: RabbitMQTLS?
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
        url: String, connectionName: String, tls: RabbitMQTLS = RabbitMQTLS(), heartbeat: Duration = .seconds(10),
        connectTimeout: Duration = .seconds(5), operationTimeout: Duration = .seconds(15)
    ) throws(RabbitMQError) {
        let address = try BrokerAddress(parsing: url)
        guard heartbeat >= .seconds(1), heartbeat <= .seconds(3600) else {
            throw RabbitMQError(.configuration, "the heartbeat must be between 1 s and 1 h")
        }
        guard connectTimeout > .zero, operationTimeout > .zero else {
            throw RabbitMQError(.configuration, "a timeout must be positive")
        }
        endpoints = address.endpoints
        virtualHost = address.virtualHost
        if address.isSecure {
            try tls.check(hosts: address.endpoints.map(\.host))
            self.tls = tls
        } else {
            guard tls.isEmpty else {
                throw RabbitMQError(.configuration, "files for TLS are given, but the broker's URL is amqp, not amqps")
            }
            self.tls = nil
        }
        let isCertified = address.isSecure && tls.certificateFile != nil
        credentials = address.credentials ?? (isCertified ? nil : ("guest", "guest"))
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
