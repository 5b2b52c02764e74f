import CLibPQ
import Glibc

/// The settings of a connection as libpq takes them: what the connection string says, and ours where it is silent.
struct ConnectionParameters {
    private var values: [String: String]
    /// Tried only when no standby answered.
    private(set) var isSecondChoice = false

    /// - Throws: `PostgresError.configuration`; libpq's words about the string may hold a password and stay hidden.
    init(parsing connectionString: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(connectionString, &message) else {
            let detail = message.map { String(cString: $0) }
            PQfreemem(message)
            throw PostgresError(
                .configuration, reason: "the connection string is neither a URI nor a conninfo of libpq", detail: detail
            )
        }
        defer { PQconninfoFree(options) }
        values = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
    }

    init(_ configuration: PostgresConfiguration) throws(PostgresError) {
        try self.init(parsing: configuration.connectionString)
        var options = [
            "TimeZone=UTC",
            "statement_timeout=\(configuration.serverStatementTimeout.milliseconds)",
            "idle_in_transaction_session_timeout=\(configuration.idleTransactionTimeout.milliseconds)",
            // Else each BEGIN would have to set it, and the end of each transaction to look for what was set.
            "default_transaction_isolation=read committed",
        ]
        if let schema = configuration.schema {
            let quoted = schema.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            options.append("search_path=\"\(quoted)\"")
        }
        let own = options.map { "-c " + Self.escaped($0) }.joined(separator: " ")
        values["options"] = [values["options"], own].compactMap { $0 }.joined(separator: " ")
        values["client_encoding"] = "UTF8"
        let defaults = [
            "fallback_application_name": configuration.applicationName,
            "gssencmode": "disable",  // else libpq looks for Kerberos tickets on disk for each connection
            "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
            "tcp_user_timeout": "10000",  // milliseconds that sent bytes may stay unacknowledged
        ]
        merge(defaults)
        try secure(configuration.security)
    }

    private init(_ values: [String: String]) { self.values = values }

    subscript(key: String) -> String? { values[key] }

    /// What is set stays.
    mutating func merge(_ defaults: [String: String?]) {
        values.merge(defaults.compactMapValues { $0 }) { own, _ in own }
    }

    /// The hosts that libpq may connect to; none means the local socket.
    var hosts: [String] {
        (list("host") + list("hostaddr")).filter { !$0.isEmpty }
    }

    /// Where packets go: an address stands for the name beside it. Without either, libpq would read the environment.
    var addresses: [String] {
        let (names, addresses) = (list("host"), list("hostaddr"))
        guard !names.isEmpty || !addresses.isEmpty else {
            guard let list = getenv("PGHOSTADDR") ?? getenv("PGHOST") else { return [] }
            return String(cString: list).split(separator: ",").map(String.init)
        }
        guard !addresses.isEmpty else { return names }
        return addresses.enumerated().map { place, address in
            address.isEmpty && place < names.count ? names[place] : address
        }
    }

    private func list(_ key: String) -> [String] {
        values[key].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }

    // MARK: Servers

    /// One set of parameters per server, in the order of the string. libpq would go through the list by itself, but
    /// with one time for all of it: a first host that swallows packets would leave nothing for the second.
    func servers() throws(PostgresError) -> [ConnectionParameters] {
        let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(names.count, addresses.count, 1)
        guard [names, addresses].allSatisfy({ $0.isEmpty || $0.count == count }), [0, 1, count].contains(ports.count)
        else {
            throw PostgresError(.configuration, reason: "host, hostaddr and port name different numbers of servers")
        }
        let servers = (0..<count).map { place in
            var server = self
            if !names.isEmpty { server.values["host"] = names[place] }
            if !addresses.isEmpty { server.values["hostaddr"] = addresses[place] }
            if let port = ports.count > 1 ? ports[place] : ports.first { server.values["port"] = port }
            return server
        }
        guard values["target_session_attrs"] == "prefer-standby" else { return servers }
        return servers.map { $0.asking("standby") } + servers.map { $0.asking("any") }
    }

    private func asking(_ attributes: String) -> ConnectionParameters {
        var server = self
        server.values["target_session_attrs"] = attributes
        server.isSecondChoice = attributes == "any"
        return server
    }

    /// For messages.
    var name: String {
        let host = [values["host"], values["hostaddr"]].compactMap { $0 }.first { !$0.isEmpty } ?? "the local socket"
        return values["port"].map { "\(host):\($0)" } ?? host
    }

    /// The server must be one that writes.
    var mustWrite: Bool { ["read-write", "primary"].contains(values["target_session_attrs"]) }

    /// Begins to connect. libpq copies what it is given.
    func start() -> OpaquePointer? {
        let pairs = values.map { (strdup($0.key), strdup($0.value)) }
        defer {
            for (key, value) in pairs {
                free(key)
                free(value)
            }
        }
        let keys: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer($0.0) } + [nil]
        let values: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer($0.1) } + [nil]
        return PQconnectStartParams(keys, values, 0)
    }

    /// One word of the `options` setting: spaces part the words there, and a backslash takes that from them.
    private static func escaped(_ option: String) -> String {
        option.reduce(into: "") { text, character in
            if character == " " || character == "\\" { text.append("\\") }
            text.append(character)
        }
    }
}

extension PostgresConfiguration {
    /// The hosts that a connection string names, so that tools which destroy data can refuse all but local ones.
    /// - Returns: names, addresses and socket folders; empty is the local socket.
    package static func hosts(of connectionString: String) throws(PostgresError) -> [String] {
        try ConnectionParameters(parsing: connectionString).hosts
    }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
    var nanoseconds: UInt64 {
        UInt64(max(0, components.seconds)) * 1_000_000_000 + UInt64(max(0, components.attoseconds)) / 1_000_000_000
    }
}

/// Nanoseconds of the clock that never jumps.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// How long a loop may sleep until an instant of ``monotonicNanoseconds()``, rounded up so that it does not wake too
/// early.
func sleepMilliseconds(from now: UInt64, until instant: UInt64) -> Int32 {
    instant <= now ? 0 : Int32(clamping: (instant - now + 999_999) / 1_000_000)
}
