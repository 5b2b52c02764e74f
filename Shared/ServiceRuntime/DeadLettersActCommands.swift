import ArgumentParser
import Inbox

struct DeadLettersRetryCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "retry", abstract: "Hand the stored messages to the service once more.",
            discussion: """
                Each message is applied with what waited behind it, in one transaction, or stays as it is. With \
                --dry-run the same is done and undone.
                """)
    }

    @OptionGroup var act: ActOptions

    func validate() throws { try act.check() }

    func run() async throws { try await act.run(.retry, Definition.self) }
}

struct DeadLettersDropCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "drop", abstract: "Give messages up for good.",
            discussion: "Its sequence counts as handled, so that what waited behind it goes on. The row stays.")
    }

    @OptionGroup var act: ActOptions

    func validate() throws { try act.check() }

    func run() async throws { try await act.run(.drop, Definition.self) }
}

/// Which dead letters, by whom, why, and how fast.
struct ActOptions: ParsableArguments {
    private static let countMax = 10_000

    @OptionGroup var reading: ReadingOptions

    @Argument(help: "Numbers that list shows.")
    var ids: [Int64] = []

    @Option(name: .customLong("class"), help: "All open ones of this class instead.")
    var failureClass: String?

    @Option(help: "With --class: at most so many, 1 to 10000.")
    var limit = 100

    @Option(help: "At most so many a second, 1 to 1000.")
    var rate = 50

    @Flag(name: .customLong("dry-run"), help: "Say what would happen and change nothing.")
    var isDryRun = false

    @Option(help: "Who does it.")
    var by: String?

    @Option(help: "Who agreed: another person.")
    var second: String?

    @Option(help: "Why; kept for ever.")
    var reason: String?

    func check() throws {
        guard ids.isEmpty != (failureClass == nil) else {
            throw ValidationError("name dead letters by their numbers, or a class by --class: one of the two")
        }
        guard ids.count <= Self.countMax else {
            throw ValidationError("\(ids.count) numbers at once: give at most \(Self.countMax)")
        }
        guard (1...Self.countMax).contains(limit) else {
            throw ValidationError("--limit: give a number from 1 to \(Self.countMax)")
        }
        guard (1...1_000).contains(rate) else { throw ValidationError("--rate: give a number from 1 to 1000") }
        // A rehearsal changes nothing, so nobody has to answer for it.
        if !isDryRun { _ = try people() }
    }

    private func people() throws -> FourEyes {
        try asValidation { () throws(ActRefusal) in try FourEyes(by: by, second: second, reason: reason) }
    }

    /// Goes through the letters one by one; each is a transaction of its own, so that one that fails holds up no other.
    func run<Definition: ServiceDefinition>(_ settlement: Settlement, _: Definition.Type) async throws {
        let people = isDryRun ? nil : try people()
        try await DeadLetterSession<Definition>.with { desk in
            let report = DeadLetterReport<Definition>(language: reading.language, isJSON: reading.json)
            var chosen = try await desk.inOrder(ids)
            if let failureClass { chosen = try await desk.open(class: failureClass, limit: limit) }
            var counts: [DeadLetterResult.Outcome: Int] = [:]
            var pace = Pace(perSecond: rate)
            for id in chosen {
                try await pace.wait()
                let result =
                    if let people {
                        try await desk.settle(settlement, id, by: people)
                    } else {
                        try await desk.rehearse(settlement, id)
                    }
                counts[result.outcome, default: 0] += 1
                StandardOutput.write(try report.line(result, isRehearsal: isDryRun))
            }
            if !reading.json { StandardOutput.write(report.total(counts, isRehearsal: isDryRun)) }
            guard counts.keys.allSatisfy(\.isSettled) else { throw ExitCode.failure }
        }
    }
}

/// Keeps a loop below a rate.
struct Pace {
    private let interval: Duration
    private var next = ContinuousClock.now

    init(perSecond rate: Int) { interval = .seconds(1) / max(1, rate) }

    /// Returns at once the first time.
    mutating func wait() async throws {
        try await Task.sleep(until: next, clock: .continuous)
        next = max(next + interval, .now)
    }
}
