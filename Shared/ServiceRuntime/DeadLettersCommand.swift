import ArgumentParser
import Inbox

/// `<service> dead-letters`: looks at what could not be applied, and settles it. It needs the database alone; what a
/// retry causes is published by the relay of a running `serve`.
struct DeadLettersCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "dead-letters", abstract: "Messages that could not be applied: look, retry, drop.",
            discussion: "Every act is kept with who, why and what came of it. See docs/operating.md.",
            subcommands: [
                DeadLettersListCommand<Definition>.self, DeadLettersShowCommand<Definition>.self,
                DeadLettersRetryCommand<Definition>.self, DeadLettersDropCommand<Definition>.self,
            ],
            defaultSubcommand: DeadLettersListCommand<Definition>.self)
    }
}

/// How a person wants to read the answer.
struct ReadingOptions: ParsableArguments {
    @Flag(help: "For machines: JSON, one object a line.")
    var json = false

    @Option(help: "Of what is written for people.")
    var language = ReportLanguage.en
}

struct DeadLettersListCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "Open ones by cause, in business words.")
    }

    @OptionGroup var reading: ReadingOptions

    @Option(help: "Examples for each cause, 1 to 20.")
    var examples = 3

    func validate() throws {
        guard (1...20).contains(examples) else { throw ValidationError("--examples: give a number from 1 to 20") }
    }

    func run() async throws {
        try await DeadLetterSession<Definition>.with { desk in
            let report = DeadLetterReport<Definition>(language: reading.language, isJSON: reading.json)
            StandardOutput.write(try report.list(await desk.groups(exampleCount: examples)))
        }
    }
}

struct DeadLettersShowCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "All that is known of one, and what was done to it.",
            discussion: "The body may hold values about persons. To show it takes a name and a reason, which are kept.")
    }

    @OptionGroup var reading: ReadingOptions

    @Argument(help: "The number that list shows.")
    var id: Int64

    @Flag(help: "The message itself, too.")
    var body = false

    @Option(help: "With --body: who looks.")
    var by: String?

    @Option(help: "With --body: why.")
    var reason: String?

    func run() async throws {
        let look =
            try body ? asValidation { () throws(ActRefusal) in try FourEyes.looking(by: by, reason: reason) } : nil
        try await DeadLetterSession<Definition>.with { desk in
            guard let letter = try await desk.letter(id) else {
                throw ValidationError("there is no dead letter \(id): `dead-letters list` shows the open ones")
            }
            // Before it is shown: who cannot be noted sees nothing.
            if let look { try await desk.noteLook(at: id, by: look.by, reason: look.reason) }
            let acts = try await desk.acts(on: id)
            let report = DeadLetterReport<Definition>(language: reading.language, isJSON: reading.json)
            StandardOutput.write(try report.show(letter, acts: acts, withBody: body))
        }
    }
}

/// What is wrong with the arguments, in the parser's own form.
func asValidation<R>(_ body: () throws(ActRefusal) -> R) throws -> R {
    do throws(ActRefusal) { return try body() } catch { throw ValidationError(error.description) }
}
