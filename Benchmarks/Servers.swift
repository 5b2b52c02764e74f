import Foundation
import Logging
import Migrations
import Postgres
import RabbitMQ

/// The servers that everything here runs on.
struct Servers: Sendable {
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    static var quietLogger: Logger { Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() } }

    let databaseURL: String
    let brokerURL: String
    let broker: RabbitMQConfiguration

    static func fromEnvironment() throws -> Servers {
        let environment = ProcessInfo.processInfo.environment
        func value(_ name: String) throws -> String {
            guard let url = environment["MAILLAGE_BENCH_\(name)"] ?? environment["MAILLAGE_TEST_\(name)"] else {
                throw Unusable(description: "MAILLAGE_BENCH_\(name) is not set: use `make bench`")
            }
            return url
        }
        let (database, url) = (try value("DATABASE_URL"), try value("BROKER_URL"))
        let broker = try RabbitMQConfiguration(url: url, connectionName: "bench")
        let hosts = try PostgresConfiguration.hosts(of: database) + broker.hosts
        guard hosts.allSatisfy({ ["localhost", "127.0.0.1", "::1"].contains($0) }) else {
            throw Unusable(description: "benchmarks make and drop databases and queues: only on this machine")
        }
        return Servers(databaseURL: database, brokerURL: url, broker: broker)
    }

    /// The same servers, in another of the broker's virtual hosts.
    func on(virtualHost: String) throws -> Servers {
        guard var components = URLComponents(string: brokerURL) else {
            throw Unusable(description: "the broker's address must be a URL")
        }
        components.percentEncodedPath = "/" + virtualHost
        let url = components.string ?? brokerURL
        return Servers(
            databaseURL: databaseURL, brokerURL: url,
            broker: try RabbitMQConfiguration(url: url, connectionName: "bench"))
    }

    /// Of another of the broker's users.
    func brokerURL(user: String, password: String, virtualHost: String) throws -> String {
        guard var components = URLComponents(string: try on(virtualHost: virtualHost).brokerURL) else {
            throw Unusable(description: "the broker's address must be a URL")
        }
        (components.user, components.password) = (user, password)
        return components.string ?? brokerURL
    }

    func databaseURL(of name: String) throws -> String {
        guard var components = URLComponents(string: databaseURL) else {
            throw Unusable(description: "the database's address must be a URL")
        }
        components.path = "/" + name
        return components.string ?? databaseURL
    }

    var databasePort: Int { URLComponents(string: databaseURL)?.port ?? 5432 }

    /// Lends a connection to the server's own database.
    func withAdministrator<R>(_ body: (PostgresLease) async throws -> R) async throws -> R {
        let pool = pool(databaseURL, schema: nil)
        let result: Result<R, any Error>
        do { result = .success(try await pool.withConnection { try await body($0) }) } catch {
            result = .failure(error)
        }
        await pool.close()
        return try result.get()
    }

    /// Lends a fresh database and drops it.
    func withDatabase(
        schema: String, migrations: [MigrationFile], connectionCountMax: Int = 8,
        _ body: (PostgresPool, _ url: String) async throws -> Void
    ) async throws {
        let name = "maillage_bench_\(UInt32.random(in: 0 ... .max))"
        try await withAdministrator { try await $0.executeScript("create database \(name)") }
        let url = try databaseURL(of: name)
        let lent = pool(url, schema: schema, connectionCountMax: connectionCountMax)
        let result: Result<Void, any Error>
        do {
            _ = try await Migrator(schema: schema, files: migrations).apply(on: lent)
            result = .success(try await body(lent, url))
        } catch {
            result = .failure(error)
        }
        await lent.close()
        try await withAdministrator { try await $0.executeScript("drop database if exists \(name) with (force)") }
        try result.get()
    }

    func pool(_ url: String, schema: String?, connectionCountMax: Int = 8) -> PostgresPool {
        let configuration = PostgresConfiguration(
            connectionString: url, schema: schema, applicationName: "bench", connectionCountMax: connectionCountMax,
            statementTimeout: .seconds(600))
        return PostgresPool(configuration: configuration, logger: Self.quietLogger)
    }

    /// Lends a quorum queue, bound to a topic exchange of the same name by everything, and deletes both.
    func withQueue(_ body: (_ name: String) async throws -> Void) async throws {
        let name = "bench.\(UInt32.random(in: 0 ... .max))"
        try await administer { administrator in
            try await administrator.declareExchange(name, type: .topic)
            try await administrator.declareQueue(name, arguments: [("x-queue-type", .string("quorum"))])
            try await administrator.bind(queue: name, exchange: name, routingKey: "#")
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(name)) } catch { result = .failure(error) }
        try await administer { administrator in
            try await administrator.deleteQueue(name)
            try await administrator.deleteExchange(name)
        }
        try result.get()
    }

    func administer<R>(_ body: (RabbitAdministrator) async throws -> R) async throws -> R {
        try await RabbitAdministrator.withConnection(broker, logger: Self.quietLogger, body)
    }

    func publish(_ messages: [OutgoingMessage]) async throws {
        let publisher = RabbitPublisher(configuration: broker, windowMax: 1_000, logger: Self.quietLogger)
        let outcomes = await publisher.publish(messages, deadline: .seconds(60))
        await publisher.close()
        guard outcomes.allSatisfy({ $0 == .confirmed }) else {
            throw Unusable(description: "the broker did not confirm every message")
        }
    }

    /// Waits until a queue holds so many messages: the counter of a quorum queue lags behind.
    func waitForMessages(_ count: Int, in queue: String) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try await administer({ try await $0.messageCount(queue: queue) }) != count {
            guard ContinuousClock.now < deadline else {
                throw Unusable(description: "queue \(queue) does not hold \(count) messages")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
