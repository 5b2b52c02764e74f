import Foundation
import RabbitMQ

/// The baselines that are programs of their own.
struct Peers: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let folder = ".local/peers"
    private let servers: Servers

    /// Compiles them; run from the package's folder.
    static func build(for servers: Servers) throws -> Peers {
        try Command.output(of: "/bin/sh", ["Benchmarks/peers/build.sh", folder])
        return Peers(servers: servers)
    }

    /// Runs one to its end.
    /// - Returns: the rate that it prints last: `… = 12345/s`.
    func rate(_ program: String, _ arguments: [String], database: String) throws -> Double {
        let text = try Command.output(
            of: "\(Self.folder)/\(program)", arguments,
            environment: ["PEER_BROKER_URL": servers.brokerURL, "PEER_DATABASE_URL": database])
        let figure = text.split(separator: "= ").last?.prefix { $0.isNumber }
        guard let rate = figure.flatMap({ Double($0) }) else {
            throw Failure(description: "\(program) printed no rate: \(text)")
        }
        return rate
    }

    /// Fills the queue that all of them consume with `count` messages, and runs one on it.
    func consume(_ program: String, _ mode: [String], count: Int, on machine: Machine) async throws -> Pace {
        var pace = Pace(rate: 0, cost: ProcessorCost())
        try await servers.withDatabase(schema: "public", migrations: []) { _, url in
            try await deleteQueues()
            _ = try rate("peer", ["publish", "\(count)"], database: url)
            try await servers.waitForMessages(count, in: "peer")
            let began = try machine.times()
            let rate = try rate(program, mode + ["\(count)"], database: url)
            pace = Pace(rate: rate, cost: try machine.times().since(began).cost(per: count))
            try await deleteQueues()
        }
        return pace
    }

    private func deleteQueues() async throws {
        for queue in ["peer", "peer2"] { try await servers.administer { try await $0.deleteQueue(queue) } }
    }
}
