import Glibc

/// What an `amqps` connection is proved with. All files are PEM and are read again for every connection, so that a
/// renewed certificate needs no restart.
package struct RabbitMQTLS: Sendable, Equatable {
    /// The authorities that the broker's certificate must come from; required with `amqps`.
    package let authorityFile: String?
    /// Our own certificate and its key, both or neither.
    package let certificateFile: String?
    package let keyFile: String?

    package init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    var isEmpty: Bool { self == RabbitMQTLS() }

    /// Refuses what is half given, before the first connection: the library would only say that a connection failed.
    func check(hosts: [String]) throws(RabbitMQError) {
        guard let authorityFile else {
            throw RabbitMQError(
                .configuration, "amqps needs the file with the authorities that the broker's certificate must come from"
            )
        }
        guard (certificateFile == nil) == (keyFile == nil) else {
            let (given, missing) =
                certificateFile == nil ? ("key", "certificate") : ("certificate", "key")
            throw RabbitMQError(.configuration, "the \(given) file for the broker is given without the \(missing) file")
        }
        for (what, file) in [("authorities", authorityFile), ("certificate", certificateFile), ("key", keyFile)] {
            if let file, access(file, R_OK) != 0 {
                throw RabbitMQError(.configuration, "the \(what) file for the broker cannot be read: \(file)")
            }
        }
        // librabbitmq 0.11 compares the host with the certificate's names only, not with its addresses.
        if let host = hosts.first(where: Self.isAddress) {
            throw RabbitMQError(
                .configuration, "amqps needs the broker's name, which its certificate holds, not the address \(host)")
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        var bytes = in6_addr()
        return inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1
    }
}
