/// The parts of a broker's URL. Parsed here because a URL type of Foundation keeps the password in its description.
struct BrokerAddress {
    private(set) var endpoints: [RabbitMQConfiguration.Endpoint] = []
    private(set) var virtualHost = "/"
    private(set) var credentials: (user: String, password: String)?
    /// Whether the scheme is `amqps`.
    let isSecure: Bool

    init(parsing url: String) throws(RabbitMQError) {
        isSecure = url.hasPrefix("amqps://")
        guard isSecure || url.hasPrefix("amqp://") else {
            throw RabbitMQError(.configuration, "the broker's URL must start with amqp:// or amqps://")
        }
        var rest = url.dropFirst(isSecure ? "amqps://".count : "amqp://".count)
        if let slash = rest.firstIndex(of: "/") {
            let path = rest[rest.index(after: slash)...]
            guard !path.contains("/"), !path.contains("?") else {
                throw RabbitMQError(.configuration, "the virtual host in the broker's URL must be percent-encoded")
            }
            if !path.isEmpty { virtualHost = try Self.decode(path) }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let password = credentials.count > 1 ? try Self.decode(credentials[1]) : ""
            self.credentials = (try Self.decode(credentials[0]), password)
            rest = rest[rest.index(after: at)...]
        }
        let port: UInt16 = isSecure ? 5671 : 5672
        for part in rest.split(separator: ",") { endpoints.append(try Self.endpoint(part, defaultPort: port)) }
        if endpoints.isEmpty { endpoints = [RabbitMQConfiguration.Endpoint(host: "localhost", port: port)] }
    }

    private static func endpoint(
        _ text: Substring, defaultPort: UInt16
    ) throws(RabbitMQError) -> RabbitMQConfiguration.Endpoint {
        var host = text
        var port = defaultPort
        // An IPv6 address is in brackets, so that its colons are not taken for the port's.
        let colonArea = text.hasPrefix("[") ? (text.firstIndex(of: "]") ?? text.endIndex) : text.startIndex
        if let colon = text[colonArea...].firstIndex(of: ":") {
            guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else {
                throw RabbitMQError(.configuration, "the port in the broker's URL must be 1 … 65535")
            }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw RabbitMQError(.configuration, "the broker's URL names no host") }
        return RabbitMQConfiguration.Endpoint(host: try decode(host), port: port)
    }

    private static func decode(_ text: Substring) throws(RabbitMQError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let digits = String(rest.prefix(2)), let value = UInt8(digits, radix: 16) else {
                throw RabbitMQError(.configuration, "the broker's URL has a broken percent-encoding")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw RabbitMQError(.configuration, "the broker's URL holds bytes that are no text")
        }
        return decoded
    }
}
