import Metrics
import ServiceLifecycle

/// Carries commands that meet on the same rows out together: one lock, one commit, each with its own result.
///
/// One by one, each waits for the row until the one before it is on disk. Together they cost one wait: up to
/// `limit` commands, or those that came within `patience` of the first. Batches of one replica follow one another;
/// replicas meet on the rows.
///
/// A batch runs in the combiner's own task, so that a caller who hangs up takes nobody else's command with it. Where
/// the combiner does not run, in tests and commands, each command is carried out alone by its caller.
///
/// `combined_commands` (histogram): how many were carried out together.
package final actor CommandCombiner<Command: Sendable, Answer: Sendable>: Service {
    /// Carries them out together; one result for each, in their order. What it throws, it throws for all of them.
    package typealias Body = @Sendable ([Command]) async throws -> [Result<Answer, any Error>]

    private struct Waiting {
        let command: Command
        let continuation: CheckedContinuation<Answer, any Error>
    }

    private let limit: Int
    private let patience: Duration
    private let body: Body
    private let sizes = Recorder(label: "combined_commands", aggregate: true)
    private var waiting: [Waiting] = []
    private var isRunning = false
    private let arrivals = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init(limit: Int = 200, patience: Duration = .milliseconds(2), body: @escaping Body) {
        self.limit = limit
        self.patience = patience
        self.body = body
    }

    /// - Throws: what `body` threw, or the command's own failure.
    package func submit(_ command: Command) async throws -> Answer {
        guard isRunning else { return try await Self.only(body([command])).get() }
        return try await withCheckedThrowingContinuation { continuation in
            waiting.append(Waiting(command: command, continuation: continuation))
            if waiting.count == 1 || waiting.count == limit { arrivals.continuation.yield() }
        }
    }

    package func run() async throws {
        isRunning = true
        defer { isRunning = false }
        // The runtime ends this after the last request was answered, so at the end nobody waits.
        for await _ in arrivals.stream.cancelOnGracefulShutdown() {
            while !waiting.isEmpty {
                if waiting.count < limit { try? await Task.sleep(for: patience) }
                await carryOut(Array(waiting.prefix(limit)))
            }
        }
        isRunning = false
        if !waiting.isEmpty { await carryOut(waiting) }
    }

    private func carryOut(_ batch: [Waiting]) async {
        waiting.removeFirst(batch.count)
        sizes.record(batch.count)
        let results: [Result<Answer, any Error>]
        do {
            results = try await body(batch.map(\.command))
        } catch {
            results = batch.map { _ in .failure(error) }
        }
        precondition(results.count == batch.count, "each command has its result")
        for (waiting, result) in zip(batch, results) { waiting.continuation.resume(with: result) }
    }

    private static func only(_ results: [Result<Answer, any Error>]) -> Result<Answer, any Error> {
        precondition(results.count == 1, "each command has its result")
        return results[0]
    }
}
