import ArgumentParser
import Events
import FeedbackDomain
import FoundationEssentials
import Logging
import Postgres
import ServiceRuntime

/// `feedback quarantine`: refused messages, and how to have them judged once more after a fault of ours was mended.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine", abstract: "Refused messages of a publisher.",
        subcommands: [QuarantineListCommand.self, QuarantineShowCommand.self, QuarantineRerunCommand.self])
}

struct QuarantineArguments: ParsableArguments {
    @Option(help: "Whose messages.") var publisher: String

    /// Lends what the commands work with: the run role's database.
    func with(_ body: (IntakeStore) async throws -> Void) async throws {
        let settings = try Settings.load(keys: FeedbackService.allSettings)
        try settings.require([.databaseURL, FeedbackSettings.contentKey])
        let logger = Logger(label: "quarantine") { _ in SwiftLogNoOpLogHandler() }
        let clock = ProgrammeClock(offsetFile: settings.optionalText(.clockOffsetFile))
        try await settings.withPool(logger: logger) { pool in
            let reader = SubmissionReader(contentKey: ContentKey(settings.text(FeedbackSettings.contentKey)))
            try await body(IntakeStore(pool: pool, clock: clock, reader: reader))
        }
    }
}

struct QuarantineListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "How many there are for each reason, and the newest.")

    @OptionGroup var target: QuarantineArguments

    @Option(help: "Of one reason alone, such as internal-error.") var reason: String?

    @Option(help: "How many of the newest, 1 to 200.") var limit = 50

    func validate() throws {
        guard (1...200).contains(limit) else { throw ValidationError("--limit: 1 to 200") }
    }

    func run() async throws {
        try await target.with { intake in
            for (reason, count) in try await QuarantineStore(intake: intake).counts(of: target.publisher) {
                StandardOutput.write("\(count)  \(reason)\n")
            }
            let messages = try await FeedbackReadings(pool: intake.pool).quarantine(
                of: target.publisher, before: nil, limit: limit, reason: reason)
            for message in messages { StandardOutput.write(message.line + "\n") }
        }
    }
}

struct QuarantineShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One message as it was kept.",
        discussion: "It may hold what a person wrote: show it to nobody who need not see it.")

    @OptionGroup var target: QuarantineArguments

    @Option(help: "Its position, as list shows it.") var id: Int64

    func run() async throws {
        try await target.with { intake in
            let messages = try await FeedbackReadings(pool: intake.pool).quarantine(
                of: target.publisher, before: id + 1, limit: 1)
            guard let message = messages.first, message.position == id else {
                throw ValidationError("there is no message \(id) of \(target.publisher) in the quarantine")
            }
            let body = Data(base64Encoded: message.body).map { String(decoding: $0, as: UTF8.self) } ?? ""
            StandardOutput.write("\(message.line)\nmend: \(message.mend)\n\(body)\n")
        }
    }
}

struct QuarantineRerunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rerun", abstract: "Have messages judged once more, after a fault of ours was mended.",
        discussion: """
            They go through the intake as if they had come today, with the time of their arrival. Their publisher is \
            told by a second receipt where the verdict is another one. Once more changes nothing more. What was done \
            is kept with --why in the table quarantine_reruns.
            """)

    private static let batchCountMax = 50

    @OptionGroup var target: QuarantineArguments

    @Option(help: "Those of one reason; may be repeated. Without any: of every reason that can be judged again.")
    var reason: [String] = []

    @Option(help: "One position, as list shows it; may be repeated.") var id: [Int64] = []

    @Option(help: "What was mended; kept.") var why: String

    @Option(help: "Who does it; kept.") var by = "operator"

    @Option(help: "Messages in a second, 1 to 1000: the intake goes on meanwhile.") var rate = 100

    @Flag(name: .customLong("dry-run"), help: "Say what would become of each and change nothing.") var isDryRun = false

    func validate() throws {
        guard (1...500).contains(why.utf8.count) else { throw ValidationError("--why: 1 to 500 bytes of text") }
        guard (1...100).contains(by.utf8.count) else { throw ValidationError("--by: 1 to 100 bytes of text") }
        guard (1...1000).contains(rate) else { throw ValidationError("--rate: 1 to 1000 in a second") }
        for reason in reason where !Refusal.Reason.rerunnable.contains(reason) {
            let others = Refusal.Reason.rerunnable.joined(separator: ", ")
            throw ValidationError("--reason: \(reason) cannot be judged again; one of \(others)")
        }
    }

    func run() async throws {
        try await target.with { intake in
            let store = QuarantineStore(intake: intake)
            let order = RerunOrder(run: EventID.next(), requestedBy: by, why: why, isRehearsal: isDryRun)
            let choice = QuarantineChoice(publisher: target.publisher, reasons: reason, positions: id)
            var counts: [String: Int] = [:]
            var last: Int64 = 0
            while true {
                let started = ContinuousClock.now
                let positions = try await store.candidates(
                    choice, after: last, limit: min(Self.batchCountMax, rate))
                guard let end = positions.last else { break }
                for outcome in try await store.rerun(positions, of: target.publisher, order) {
                    counts[outcome.end.text, default: 0] += 1
                    StandardOutput.write("#\(outcome.position)  \(outcome.end.text)\n")
                }
                last = end
                try await Task.sleep(
                    until: started + .seconds(1) * (Double(positions.count) / Double(rate)), clock: .continuous)
            }
            report(counts, order)
        }
    }

    private func report(_ counts: [String: Int], _ order: RerunOrder) {
        let text = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let end = isDryRun ? "dry run, nothing was changed" : "run \(order.run.lowercase)"
        StandardOutput.write("\(text.isEmpty ? "nothing to judge again" : text) (\(end))\n")
    }
}

extension QuarantinedMessage {
    /// Without the body.
    fileprivate var line: String {
        let name = id.map { "\(source ?? "") \($0)" } ?? "(no name)"
        let place = field.map { " at \($0)" } ?? ""
        return "#\(position)  \(WireInstant.format(receivedAt))  \(reason)\(place)  \(name)  \(byteCount) bytes"
    }
}
