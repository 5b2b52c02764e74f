import Foundation

/// The baselines that are programs of their own.
struct Peers: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let folder = ".local/peers"
    private let environment: [String: String]

    /// Compiles them; run from the package's folder.
    static func build(for servers: Servers) throws -> Peers {
        _ = try output(of: "/bin/sh", ["Benchmarks/peers/build.sh", folder], environment: [:])
        return Peers(environment: ["PEER_BROKER_URL": servers.brokerURL])
    }

    /// Runs one to its end.
    /// - Returns: the rate that it prints last: `… = 12345/s`.
    func rate(_ program: String, _ arguments: [String], database: String) throws -> Double {
        let text = try Self.output(
            of: "\(Self.folder)/\(program)", arguments,
            environment: environment.merging(["PEER_DATABASE_URL": database]) { $1 })
        let figure = text.split(separator: "= ").last?.prefix { $0.isNumber }
        guard let rate = figure.flatMap({ Double($0) }) else {
            throw Failure(description: "\(program) printed no rate: \(text)")
        }
        return rate
    }

    static func output(of program: String, _ arguments: [String], environment: [String: String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(program) ended with status \(process.terminationStatus)")
        }
        return text
    }
}
