import Foundation
package import Logging
package import RabbitMQ
import Synchronization

/// Names of one test's queues and exchanges: unique, and deleted with what is in them when the test ends, either way.
package final class BrokerNames: Sendable {
    private let prefix = "test-\(UUID().uuidString.lowercased())"
    private let taken = Mutex<Set<String>>([])

    package init() {}

    /// The name for a queue or an exchange.
    package func callAsFunction(_ suffix: String) -> String {
        let name = "\(prefix).\(suffix)"
        taken.withLock { _ = $0.insert(name) }
        return name
    }

    package var all: [String] { taken.withLock { $0.sorted() } }
}

/// Why a test cannot have its broker.
package struct BrokerUnavailable: Error, CustomStringConvertible {
    package let description: String
    package init(description: String) { self.description = description }
}

package enum TestBroker {
    /// The broker of `MAILLAGE_TEST_BROKER_URL`. Tests delete what they find under their names, so only a local one is
    /// taken.
    package static func url() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["MAILLAGE_TEST_BROKER_URL"] else {
            throw BrokerUnavailable(description: "MAILLAGE_TEST_BROKER_URL is not set: run the tests through make")
        }
        return url
    }

    package static func configuration(
        url: String? = nil, name: String = "tests", tls: RabbitMQTLS = RabbitMQTLS(),
        heartbeat: Duration = .seconds(10), connectTimeout: Duration = .seconds(5),
        operationTimeout: Duration = .seconds(15)
    ) throws -> RabbitMQConfiguration {
        let configuration = try RabbitMQConfiguration(
            url: url ?? self.url(), connectionName: name, tls: tls, heartbeat: heartbeat,
            connectTimeout: connectTimeout, operationTimeout: operationTimeout)
        guard configuration.hosts.allSatisfy({ ["127.0.0.1", "::1", "localhost"].contains($0) }) else {
            throw BrokerUnavailable(description: "tests delete queues and take a broker on this machine only")
        }
        return configuration
    }

    /// A logger that says nothing.
    package static var quietLogger: Logger { Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() } }

    package static func administer<R>(
        _ configuration: RabbitMQConfiguration, _ body: (RabbitAdministrator) async throws -> R
    ) async throws -> R {
        try await RabbitAdministrator.withConnection(configuration, logger: quietLogger, body)
    }
}

/// Lends the test broker: `withBroker { configuration, name in … name("orders") … }`. Queues and exchanges with names
/// from `name` are deleted afterwards, also when the closure throws.
package func withBroker<R>(
    _ body: (RabbitMQConfiguration, BrokerNames) async throws -> R
) async throws -> R {
    try await withBroker(TestBroker.configuration(), body)
}

/// The same on another broker.
package func withBroker<R>(
    _ configuration: RabbitMQConfiguration, _ body: (RabbitMQConfiguration, BrokerNames) async throws -> R
) async throws -> R {
    let names = BrokerNames()
    func cleanUp() async throws {
        try await TestBroker.administer(configuration) { administrator in
            for name in names.all {
                try await administrator.deleteQueue(name)
                try await administrator.deleteExchange(name)
            }
        }
    }
    let result: R
    do {
        result = try await body(configuration, names)
    } catch {
        // The closure's error says more than one of the cleaning.
        try? await cleanUp()
        throw error
    }
    try await cleanUp()
    return result
}

/// A condition did not come true in time.
package struct ConditionNotMet: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until the condition holds; looks every 20 ms.
package func waitUntil(
    _ what: String, within time: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + time
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw ConditionNotMet(description: "not within \(time): \(what)")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
