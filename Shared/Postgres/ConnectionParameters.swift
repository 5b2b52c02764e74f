import CLibPQ
import Glibc

/// The settings of a connection as libpq takes them: what the connection string says, and ours where it is silent.
struct ConnectionParameters {
    private(set) var values: [String: String]

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
        let statementTimeout = configuration.statementTimeout + .seconds(5)
        var options = [
            "TimeZone=UTC",
            "statement_timeout=\(statementTimeout.milliseconds)",
            // Between two statements of a transaction only our own code runs: a minute means that it hangs.
            "idle_in_transaction_session_timeout=60000",
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
        values.merge(defaults) { own, _ in own }
    }

    /// The hosts that libpq may connect to; none means the local socket.
    var hosts: [String] {
        [values["host"], values["hostaddr"]].compactMap { $0 }
            .flatMap { $0.split(separator: ",", omittingEmptySubsequences: true).map(String.init) }
    }

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
