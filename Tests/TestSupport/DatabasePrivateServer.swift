import Foundation
import Glibc

/// PostgreSQL servers of a test's own, to be killed, promoted and given certificates. PostgreSQL refuses to run as
/// root, so root starts them as the user `postgres`. They use free ports and a folder that is removed with them, also
/// when the test process dies. What they hold is lost in a crash of the machine: nothing is flushed.
package final class PrivateDatabases: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// One of the servers.
    package struct Server: Sendable {
        package let port: UInt16
        fileprivate let name: String
    }

    private static let settings = """

        listen_addresses = '127.0.0.1'
        unix_socket_directories = ''
        max_connections = 20
        shared_buffers = 16MB
        fsync = off
        logging_collector = off

        """

    /// Readable for the test and for the servers.
    package let folder: String
    private let guardian = Process()
    private let guardianInput = Pipe()

    /// Lends a folder for servers.
    package static func with<R>(_ body: (PrivateDatabases) async throws -> R) async throws -> R {
        let databases = try PrivateDatabases()
        defer { databases.remove() }
        return try await body(databases)
    }

    private init() throws {
        folder = "/tmp/maillage-postgres-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guardian.executableURL = URL(fileURLWithPath: "/bin/sh")
        // It sees its input end when this process ends, however it ends, and then clears up.
        guardian.arguments = [
            "-c",
            """
            trap '' INT TERM HUP
            cat > /dev/null
            for file in '\(folder)'/*/postmaster.pid; do kill -QUIT "$(head -n 1 "$file")" 2> /dev/null; done
            sleep 0.2
            rm -rf '\(folder)'
            """,
        ]
        guardian.standardInput = guardianInput
        guardian.standardError = FileHandle.nullDevice
        try guardian.run()
        try own(folder)
    }

    private func remove() {
        try? guardianInput.fileHandleForWriting.close()
        guardian.waitUntilExit()
    }

    // MARK: Servers

    /// Makes a server and starts it.
    /// - Parameters:
    ///   - settings: lines of postgresql.conf.
    ///   - access: lines of pg_hba.conf; by default everybody on this machine is whom they say they are.
    package func makeServer(settings: String = "", access: String? = nil) throws -> Server {
        let server = try newServer()
        let data = path(of: server)
        try run(
            tool("initdb"),
            ["-D", data, "--username=postgres", "--auth=trust", "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8"])
        try append(Self.settings + settings + "\n", to: "\(data)/postgresql.conf")
        if let access { try Data("\(access)\n".utf8).write(to: URL(fileURLWithPath: "\(data)/pg_hba.conf")) }
        try start(server)
        return server
    }

    /// Makes a server that follows another one, and starts it.
    package func makeStandby(of primary: Server) throws -> Server {
        let standby = try newServer()
        try run(
            tool("pg_basebackup"),
            [
                "-h", "127.0.0.1", "-p", "\(primary.port)", "-U", "postgres", "-D", path(of: standby), "-R",
                "--checkpoint=fast", "--no-sync",
            ])
        try start(standby)
        return standby
    }

    package func start(_ server: Server) throws {
        let data = path(of: server)
        try run(
            tool("pg_ctl"),
            ["-D", data, "-l", "\(data)/log", "-s", "-w", "-t", "60", "-o", "-p \(server.port)", "start"])
    }

    /// Stops a server as a crash would.
    package func crash(_ server: Server) throws {
        try run(tool("pg_ctl"), ["-D", path(of: server), "-s", "-w", "-m", "immediate", "stop"])
    }

    /// Makes a standby a primary.
    package func promote(_ server: Server) throws {
        try run(tool("pg_ctl"), ["-D", path(of: server), "-s", "-w", "-t", "60", "promote"])
    }

    package func url(of server: Server, user: String = "postgres") -> String {
        "postgresql://\(user)@127.0.0.1:\(server.port)/postgres"
    }

    /// Gives a file to the servers, whom PostgreSQL wants to own their keys.
    package func own(_ path: String) throws {
        if getuid() == 0 { try run("/usr/bin/chown", ["-R", "postgres:", path], isServers: false) }
    }

    private func newServer() throws -> Server {
        guard let port = try FreePorts.take(1).first else { throw Failure(description: "no free port") }
        return Server(port: port, name: "server-\(port)")
    }

    private func path(of server: Server) -> String { "\(folder)/\(server.name)" }

    private func append(_ text: String, to path: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
    }

    // MARK: Processes

    /// `Process` sees the end of a program at the end of a socket that the program inherited, and a server that the
    /// program leaves behind would hold it open.
    private static let closingDescriptors = """
        for file in /proc/self/fd/*; do [ "${file##*/}" -le 2 ] || eval "exec ${file##*/}>&-"; done
        exec "$@"
        """

    /// Of the newest PostgreSQL here; Debian keeps the servers' tools out of the path.
    private func tool(_ name: String) throws -> String {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let newest = versions.compactMap { Int($0) }.max().map { "/usr/lib/postgresql/\($0)/bin/\(name)" }
        guard let newest, FileManager.default.isExecutableFile(atPath: newest) else {
            throw Failure(description: "no \(name) of PostgreSQL here: run deploy/local/packages.sh")
        }
        return newest
    }

    /// - Parameter isServers: as the user who may run servers.
    package func run(_ program: String, _ arguments: [String], isServers: Bool = true) throws {
        let process = Process()
        let log = "\(folder)/\(UUID().uuidString).out"
        try Data().write(to: URL(fileURLWithPath: log))
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        defer { try? output.close() }
        let isChanging = isServers && getuid() == 0
        let user = isChanging ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : []
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", Self.closingDescriptors, "bash"] + user + [program] + arguments
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "LANG": "C.UTF-8"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw Failure(description: "\(program) ended with \(process.terminationStatus): \(words.suffix(1_000))")
        }
    }
}
