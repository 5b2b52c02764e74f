import Events
import Foundation
import Logging
import Postgres
import RabbitMQ

/// The services of the release build on the benchmark's servers, set up and configured by the scripts of deploy/.
///
/// `MAILLAGE_BENCH_INSTANCE` is the folder that `deploy/local/instance.sh servers` keeps, `MAILLAGE_BINARIES` the one
/// with the programs; `make bench` sets both.
struct BenchedSystem: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let database = "maillage"

    let servers: Servers
    let instance: String
    private let binaries: String
    /// A backlog of two million has to fit.
    private static let queueBytes = 1_000_000_000

    static func fromEnvironment(_ servers: Servers) throws -> BenchedSystem {
        let environment = ProcessInfo.processInfo.environment
        guard let instance = environment["MAILLAGE_BENCH_INSTANCE"], let binaries = environment["MAILLAGE_BINARIES"]
        else { throw Failure(description: "MAILLAGE_BENCH_INSTANCE or MAILLAGE_BINARIES is not set: use `make bench`") }
        return BenchedSystem(servers: servers, instance: instance, binaries: binaries)
    }

    /// The services' virtual host of the broker.
    var inside: Servers { get throws { try servers.on(virtualHost: "maillage") } }
    /// The publishers'.
    var outside: Servers { get throws { try servers.on(virtualHost: "outside") } }

    func secret(_ name: String) throws -> String {
        try String(contentsOfFile: "\(instance)/secrets/\(name)", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// An empty database and empty queues for all services; what ran before has ended.
    /// - Parameter publisher: whose queues are emptied; nil where nobody publishes.
    func reset(_ publisher: OutsidePublisher?) async throws {
        try await servers.withAdministrator {
            try await $0.executeScript("drop database if exists maillage with (force)")
        }
        try await inside.administer { administrator in
            for owner in EventOwner.allCases {
                try await administrator.deleteQueue("maillage.\(owner.rawValue).inbox")
            }
        }
        if let publisher {
            try await outside.administer { administrator in
                for queue in [publisher.queue, publisher.receiptsQueue] { try await administrator.deleteQueue(queue) }
            }
        }
        try Command.output(
            of: "deploy/database.sh", ["\(instance)/secrets"],
            environment: ["PGHOST": "127.0.0.1", "PGPORT": "\(servers.databasePort)"])
        try Command.output(
            of: "deploy/local/services.sh", ["prepare", instance],
            environment: ["PUBLISHER_QUEUE_BYTES": "\(Self.queueBytes)"])
    }

    /// Lends a pool of the server's superuser on the services' database.
    func withDatabase<R>(_ body: (PostgresPool) async throws -> R) async throws -> R {
        let pool = try servers.pool(servers.databaseURL(of: Self.database), schema: nil)
        let result: Result<R, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.close()
        return try result.get()
    }

    /// Starts replicas of services for as long as the body runs.
    /// - Parameter settings: instead of the instance's own.
    func withServices<R>(
        _ replicaCounts: [String: Int], settings: [String: String] = [:], _ body: ([RunningService]) async throws -> R
    ) async throws -> R {
        var running: [RunningService] = []
        let result: Result<R, any Error>
        do {
            for (name, count) in replicaCounts.sorted(by: { $0.key < $1.key }) {
                for number in 1...count { running.append(try start(name, number: number, with: settings)) }
            }
            result = .success(try await body(running))
        } catch {
            result = .failure(error)
        }
        for service in running { try await service.stop() }
        return try result.get()
    }

    private func start(
        _ name: String, number: Int, with others: [String: String]
    ) throws -> RunningService {
        let lines = try Command.output(of: "deploy/local/services.sh", ["settings", name, instance]).split(
            separator: "\n")
        var settings: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { settings[String(parts[0])] = String(parts[1]) }
        }
        // Replicas share the machine: each takes a port that is free.
        settings["MAILLAGE_HTTP_PORT"] = "0"
        settings.merge(others) { $1 }
        return try RunningService(
            name: name, program: "\(binaries)/\(name)", settings: settings, instance: instance, number: number)
    }
}
