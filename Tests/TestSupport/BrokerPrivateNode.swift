import Foundation
import Glibc
package import RabbitMQ
import Synchronization

/// A RabbitMQ node of a test's own, to be stopped, killed and starved. RabbitMQ refuses to run as root, so root starts
/// it as the user `rabbitmq`. It uses free ports, its own epmd and a folder that is removed with it, also when the test
/// process dies.
package final class PrivateBroker: Sendable {
    /// What the node has besides AMQP.
    package struct Extras: Sendable {
        /// The management interface; costs the node's start some seconds.
        package var hasManagement = false
        /// A TLS listener that proves itself by the pair, and asks for a certificate of the authority, which logs in by
        /// its common name.
        package var tls: (authorityFile: String, pair: TestCertificates.Pair)?

        package init() {}
    }

    private static let program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    private static let control = "/usr/lib/rabbitmq/bin/rabbitmqctl"

    private let folder: String
    package let port: UInt16
    /// Where nothing listens unless ``Extras`` say so.
    package let tlsPort: UInt16
    private let managementPort: UInt16
    private let environment: [String: String]
    private let node = Mutex<Process?>(nil)
    private let guardian = Process()
    private let guardianInput = Pipe()

    /// Lends a running node.
    package static func with<R>(
        _ extras: Extras = Extras(), _ body: (PrivateBroker) async throws -> R
    ) async throws -> R {
        let broker = try PrivateBroker(extras)
        defer { broker.remove() }
        try await broker.start()
        return try await body(broker)
    }

    private init(_ extras: Extras) throws {
        let ports = try FreePorts.take(5)
        (port, tlsPort, managementPort) = (ports[0], ports[3], ports[4])
        folder = "/tmp/maillage-broker-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var settings = """
            listeners.tcp.1 = 127.0.0.1:\(port)
            loopback_users = none
            disk_free_limit.absolute = 50MB
            log.console = false

            """
        if extras.hasManagement {
            settings += "management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = \(managementPort)\n"
        }
        if let tls = extras.tls { settings += Self.tlsSettings(tls.authorityFile, tls.pair, port: tlsPort) }
        let plugins =
            (extras.hasManagement ? ["rabbitmq_management"] : [])
            + (extras.tls == nil ? [] : ["rabbitmq_auth_mechanism_ssl"])
        try settings.write(toFile: "\(folder)/rabbitmq.conf", atomically: true, encoding: .utf8)
        try "[\(plugins.joined(separator: ","))].\n".write(
            toFile: "\(folder)/enabled_plugins", atomically: true, encoding: .utf8)
        environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": "maillage-\(port)@localhost",
            "RABBITMQ_MNESIA_BASE": "\(folder)/mnesia", "RABBITMQ_LOG_BASE": "\(folder)/log",
            "RABBITMQ_CONFIG_FILE": "\(folder)/rabbitmq", "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(folder)/enabled_plugins",
            "RABBITMQ_DIST_PORT": "\(ports[1])", "ERL_EPMD_PORT": "\(ports[2])", "ERL_EPMD_ADDRESS": "127.0.0.1",
            // Lets the guardian end epmd, which otherwise refuses while it still knows of a node.
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
            // Replaces the shell by the node, so that the process we know is the one to kill.
            "RUNNING_UNDER_SYSTEMD": "true",
        ]
        try startGuardian()
        if getuid() == 0 { try run("/usr/bin/chown", ["-R", "rabbitmq:rabbitmq", folder]) }
    }

    private static func tlsSettings(_ authority: String, _ pair: TestCertificates.Pair, port: UInt16) -> String {
        """
        listeners.ssl.1 = 127.0.0.1:\(port)
        ssl_options.cacertfile = \(authority)
        ssl_options.certfile = \(pair.certificateFile)
        ssl_options.keyfile = \(pair.keyFile)
        ssl_options.verify = verify_peer
        ssl_options.fail_if_no_peer_cert = false
        ssl_cert_login_from = common_name
        auth_mechanisms.1 = PLAIN
        auth_mechanisms.2 = EXTERNAL

        """
    }

    /// The management interface, where ``Extras`` ask for it.
    package var managementURL: String { "http://guest:guest@127.0.0.1:\(managementPort)" }

    package var url: String { "amqp://guest:guest@127.0.0.1:\(port)/%2F" }

    package func configuration(
        name: String = "tests", heartbeat: Duration = .seconds(10), operationTimeout: Duration = .seconds(15)
    ) throws -> RabbitMQConfiguration {
        try TestBroker.configuration(
            url: url, name: name, heartbeat: heartbeat, connectTimeout: .seconds(2), operationTimeout: operationTimeout)
    }

    /// A command of rabbitmqctl.
    package func control(_ arguments: String...) throws { try run(Self.control, arguments, asBroker: true) }

    // MARK: Breaking and mending

    /// Starts the node, for the first time or again, and waits until it takes connections.
    package func start() async throws {
        let process = try launch(Self.program, [])
        node.withLock { $0 = process }
        let configuration = try configuration()
        try await waitUntil("the private broker takes connections", within: .seconds(90)) {
            guard process.isRunning else { throw BrokerUnavailable(description: "the private broker ended: \(log)") }
            return (try? await TestBroker.administer(configuration) { _ in true }) ?? false
        }
    }

    /// kill -9.
    package func kill() async throws {
        signal(SIGKILL)
        let process = node.withLock { $0 }
        try await waitUntil("the private broker is dead") { !(process?.isRunning ?? false) }
    }

    /// Freezes the node: its kernel goes on to acknowledge bytes, but nobody reads them.
    package func pause() { signal(SIGSTOP) }
    package func resume() { signal(SIGCONT) }

    /// Sets the share of memory above which the node blocks publishers; next to 0 is a memory alarm at once.
    package func setMemoryHighWatermark(_ share: String) throws {
        try run(Self.control, ["set_vm_memory_high_watermark", share], asBroker: true)
    }

    /// Makes the node write down which queues there are, as it otherwise does half a second after it declared one.
    /// Killed before that, 3.10 begins such a queue anew, without its messages and without a leader (docs/broker.md).
    package func saveDirectory() throws {
        try run(Self.control, ["eval", "[dets:sync(Table) || Table <- dets:all()]."], asBroker: true)
    }

    /// Ends every connection from the broker's side.
    package func closeAllConnections(_ reason: String) throws {
        try run(Self.control, ["close_all_connections", reason], asBroker: true)
    }

    private func signal(_ number: Int32) {
        node.withLock { process in
            guard let process, process.isRunning else { return }
            Glibc.kill(process.processIdentifier, number)
        }
    }

    private func remove() {
        signal(SIGKILL)
        // The guardian ends epmd and removes the folder.
        try? guardianInput.fileHandleForWriting.close()
        guardian.waitUntilExit()
    }

    private var log: String {
        let file = "\(folder)/log/maillage-\(port)@localhost.log"
        return ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "no log").suffix(2_000).description
    }

    // MARK: Processes

    /// A shell that sees its input end when this process ends, however it ends, and then clears up.
    private func startGuardian() throws {
        guardian.executableURL = URL(fileURLWithPath: "/bin/sh")
        let script = """
            trap '' INT TERM HUP
            cat > /dev/null
            for pid in $(cat '\(folder)'/pids 2> /dev/null); do kill -9 "$pid" 2> /dev/null; done
            epmd -kill > /dev/null 2>&1
            rm -rf '\(folder)'
            """
        guardian.arguments = ["-c", script]
        guardian.environment = environment
        guardian.standardInput = guardianInput
        try guardian.run()
    }

    private func launch(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        if getuid() == 0 {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            let user = ["--reuid=rabbitmq", "--regid=rabbitmq", "--init-groups", program]
            process.arguments = user + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try "\(process.processIdentifier)\n".write(toFile: "\(folder)/pids", atomically: true, encoding: .utf8)
        return process
    }

    private func run(_ program: String, _ arguments: [String], asBroker: Bool = false) throws {
        let process: Process
        if asBroker {
            process = Process()
            process.executableURL = URL(fileURLWithPath: getuid() == 0 ? "/usr/bin/setpriv" : program)
            let user = ["--reuid=rabbitmq", "--regid=rabbitmq", "--init-groups", program]
            process.arguments = (getuid() == 0 ? user : []) + arguments
            process.environment = environment
        } else {
            process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BrokerUnavailable(description: "\(program) \(arguments) ended with \(process.terminationStatus)")
        }
    }
}

/// Ports that nobody listens on, and none of those that Linux gives to outgoing connections (from 32768 on): while a
/// server is down, whoever tries to reach it could get its very port as the near end, and it would not start again.
enum FreePorts {
    private static let range: ClosedRange<UInt16> = 10_000...32_700

    static func take(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        // Held together, so that they differ.
        return try (0..<count).map { _ in
            for _ in 0..<100 {
                guard let listener = try? LocalListener.open(port: .random(in: range)) else { continue }
                sockets.append(listener.descriptor)
                return listener.port
            }
            throw BrokerUnavailable(description: "no free port")
        }
    }
}

/// A socket that listens on a port of this machine.
enum LocalListener {
    /// - Parameter port: 0 for any that is free.
    static func open(port: UInt16 = 0) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        guard status else {
            close(descriptor)
            throw BrokerUnavailable(description: "no free port")
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}
