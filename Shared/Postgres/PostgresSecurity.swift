/// How connections are protected on their way, where the connection string is silent.
///
/// A host that is not this machine is reached with TLS, with its certificate and name checked, or not at all: libpq's
/// own default (`prefer`) would fall back to plain text without a word, and send the password to whoever answers.
package struct PostgresSecurity: Sendable {
    /// PEM file with the certificates that may sign the server's.
    package var caFile: String?
    /// PEM files by which the server knows us; the key belongs to us alone (mode 0600).
    package var certificateFile: String?
    package var keyFile: String?
    /// Hosts that may be reached in the clear, as on a network between the containers of one machine.
    package var plaintextHosts: Set<String> = []

    package init() {}
}

extension ConnectionParameters {
    /// Decides `sslmode`, and refuses a string that would send anything in the clear to a host that may not be reached
    /// so.
    mutating func secure(_ security: PostgresSecurity) throws(PostgresError) {
        merge(["sslrootcert": security.caFile, "sslcert": security.certificateFile, "sslkey": security.keyFile])
        guard self["service"] == nil else {
            throw PostgresError(.configuration, reason: "the connection string must name its hosts, not a service")
        }
        let far = addresses.filter { !Self.isLocal($0) && !security.plaintextHosts.contains($0) }
        guard let host = far.first else {
            // Certificates that were given are meant to be used.
            return merge(["sslmode": security.caFile == nil ? "disable" : "verify-full"])
        }
        merge(["sslmode": "verify-full"])
        guard self["sslmode"] == "verify-full" else {
            let reason = """
                sslmode=\(self["sslmode"] ?? "") does not prove who \(host) is: use verify-full, or name the host \
                among those that may be reached in the clear (database.plaintext-hosts)
                """
            throw PostgresError(.configuration, reason: reason)
        }
    }

    /// This machine: no host, a socket's folder, or a loopback address.
    private static func isLocal(_ host: String) -> Bool {
        host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") || host.hasPrefix("127.")
            || ["localhost", "::1"].contains(host)
    }
}

extension PostgresConfiguration {
    /// Checks the connection string without connecting.
    /// - Throws: `.configuration`, with a reason that shows no secret.
    package func validate() throws(PostgresError) {
        _ = try ConnectionParameters(self).servers()
    }
}
