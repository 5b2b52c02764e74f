import ArgumentParser
import Events
import FoundationEssentials
import Inbox
import Logging
import Observability
import Postgres

struct ReconcileCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "reconcile",
            abstract: "Compare what was received with what the owners say they logged; 0 if nothing is missing.",
            discussion: """
                What is missing comes back by `events replay` of the owner and `events absorb` here. With --waive the
                service goes without: for what was published before it began to listen.
                """)
    }

    @Flag(help: "Answer as JSON.") var json = false
    @Option(help: "An owner whose missing events are given up.") var waive: String?
    @Option(help: "Why; with --waive.") var reason: String?
    @Option(help: "Who decided it; with --waive.") var by: String?

    func run() async throws {
        let waiver = try waiver()
        let settings = try Settings.load(keys: Definition.allSettings)
        try settings.require([.databaseURL])
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let answer = try await settings.withPool(logger: Logger(label: "reconcile")) { pool in
            let completeness = Completeness(listener: Definition.owner, pool: pool)
            if let waiver {
                let count = try await completeness.waive(waiver.owner, reason: waiver.reason, actor: waiver.actor)
                if !json { StandardOutput.write("\(count) events of \(waiver.owner.rawValue) are given up\n") }
            }
            return Reconciliation(
                report: try await completeness.report(), differences: try await Definition.differences(on: pool))
        }
        StandardOutput.write(json ? try answer.json() : answer.text)
        guard answer.isComplete else { throw ExitCode.failure }
    }

    private func waiver() throws -> (owner: EventOwner, reason: String, actor: String)? {
        guard let waive else { return nil }
        guard let owner = EventOwner(rawValue: waive), owner != Definition.owner else {
            throw ValidationError("--waive: the name of another service")
        }
        guard let reason, let by, !reason.isEmpty, !by.isEmpty else {
            throw ValidationError("--waive needs --reason and --by: it is kept who gave the events up, and why")
        }
        return (owner, reason, by)
    }
}

/// What `reconcile` answers.
struct Reconciliation: Encodable {
    let report: CompletenessReport
    let differences: [SumDifference]

    var isComplete: Bool { report.isComplete && differences.isEmpty }

    private enum CodingKeys: CodingKey { case isComplete, missingCount, report, differences }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isComplete, forKey: .isComplete)
        try container.encode(report.missingCount, forKey: .missingCount)
        try container.encode(report, forKey: .report)
        try container.encode(differences, forKey: .differences)
    }

    func json() throws -> String { String(decoding: try WireCoding.encode(self), as: UTF8.self) + "\n" }

    var text: String {
        (countLines + checkpointLines + holeLines + [backlogLine] + differenceLines + [verdict])
            .map { $0 + "\n" }.joined()
    }

    private var countLines: [String] {
        let header = ["type", "expected", "received", "missing"]
        let rows = report.counts.map { count in
            let waived = count.waivedCount > 0 ? " (\(count.waivedCount) given up)" : ""
            return [
                count.type, count.expectedCount.map { "\($0)" } ?? "?", "\(count.receivedCount)",
                "\(count.missingCount)\(waived)",
            ]
        }
        let width = (rows + [header]).map { $0[0].count }.max() ?? 0
        return ([header] + rows).map { row in
            row[0] + String(repeating: " ", count: width - row[0].count)
                + row.dropFirst().map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
        }
    }

    private var checkpointLines: [String] {
        report.checkpoints.map { checkpoint in
            guard let position = checkpoint.position, let age = checkpoint.ageSeconds else {
                return "checkpoint of \(checkpoint.owner.rawValue): none yet"
            }
            return "checkpoint of \(checkpoint.owner.rawValue): position \(position), \(age) s ago"
        }
    }

    private var holeLines: [String] {
        report.holes.map { hole in
            let place = "\(hole.owner.rawValue).\(hole.noun) \(hole.subject)"
            let waiting = hole.waiting.isEmpty ? "" : "; waiting: \(hole.waiting.joined(separator: " "))"
            return
                "hole: \(place): \(hole.missingSequence) is missing, \(hole.knownSequence) is known,"
                + " for \(hole.ageSeconds) s\(waiting)"
        }
    }

    private var backlogLine: String {
        let backlog = report.backlog
        return "parked: \(backlog.waitingForPredecessorCount) for a predecessor,"
            + " \(backlog.waitingForDeadPredecessorCount) behind a dead letter, \(backlog.notReadyCount) not ready;"
            + " dead letters: \(backlog.deadLetterCount)"
    }

    private var differenceLines: [String] {
        differences.map { "difference: \($0.name): expected \($0.expected), found \($0.found)" }
    }

    private var verdict: String {
        let problems = [
            ("missing events", report.missingCount), ("holes", Int64(report.holes.count)),
            ("owners without a checkpoint", Int64(report.unproven.count)), ("differences", Int64(differences.count)),
        ].filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }
        let name = report.listener.rawValue
        return problems.isEmpty
            ? "\(name): nothing is missing" : "\(name) is not complete: \(problems.joined(separator: ", "))"
    }
}
