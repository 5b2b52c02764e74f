import Foundation

/// One process of a service.
final class RunningService: Sendable {
    let name: String
    let identifier: Int32
    private let process: Process
    private let log: String
    /// Names the process to `bench.sh`, which ends what an interrupted run leaves behind.
    private let note: String

    private static let stopTimeout = Duration.seconds(30)

    init(name: String, program: String, settings: [String: String], instance: String, number: Int) throws {
        self.name = name
        log = "\(instance)/logs/bench-\(name)-\(number).log"
        try Data().write(to: URL(filePath: log))
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["serve"]
        process.environment = settings
        process.standardOutput = output
        process.standardError = output
        try process.run()
        identifier = process.processIdentifier
        note = "\(instance)/run/bench-\(identifier).pid"
        try "\(identifier) \(try Machine.startTicks(of: identifier))\n".write(
            toFile: note, atomically: true, encoding: .utf8)
    }

    func checkIsRunning() throws {
        guard process.isRunning else { throw BenchedSystem.Failure(description: "\(name) ended by itself: \(log)") }
    }

    func stop() async throws {
        process.terminate()
        let deadline = ContinuousClock.now + Self.stopTimeout
        while process.isRunning {
            if ContinuousClock.now > deadline { kill(identifier, SIGKILL) }
            try await Task.sleep(for: .milliseconds(20))
        }
        try FileManager.default.removeItem(atPath: note)
    }
}
