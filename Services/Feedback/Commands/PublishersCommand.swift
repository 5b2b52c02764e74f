import ArgumentParser
import Events
import FeedbackDomain
import FoundationEssentials
import Logging
import Observability
import Outbox
import Postgres
import ServiceRuntime

/// `feedback publishers`: who may send feedback.
struct PublishersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publishers", abstract: "Outside systems that may send feedback.",
        subcommands: [
            PublishersListCommand.self, PublishersAddCommand.self, PublishersRotateCommand.self,
            PublishersRetireCommand.self, PublishersSuspendCommand.self, PublishersResumeCommand.self,
            PublishersProvisionCommand.self, PublishersTestCommand.self,
        ],
        defaultSubcommand: PublishersListCommand.self)
}

/// What the commands work with: the run role's database and, where the settings name it, the broker's administration.
struct PublishersDesk {
    let pool: PostgresPool
    let store: PublisherStore
    let provisioner: BrokerProvisioner?
    let now: Date

    static func with(_ body: (PublishersDesk) async throws -> Void) async throws {
        let settings = try Settings.load(keys: FeedbackService.allSettings)
        try settings.require([.databaseURL])
        let logger = Logger(label: "publishers") { _ in SwiftLogNoOpLogHandler() }
        do {
            try await settings.withPool(logger: logger) { pool in
                let provisioner = try BrokerProvisioner(
                    pool: pool, settings: settings, wakeUp: RelayWakeUp(), logger: logger)
                let clock = ProgrammeClock(offsetFile: settings.optionalText(.clockOffsetFile))
                try await body(
                    PublishersDesk(
                        pool: pool,
                        store: PublisherStore(queueBytesTotal: settings.count(FeedbackSettings.queueBytesTotal)),
                        provisioner: provisioner, now: clock.now()))
            }
        } catch let error as PublisherError {
            throw ValidationError(error.advice)
        }
    }

    func context(by person: String) -> CommandContext {
        CommandContext(actor: person, cause: EventCause(correlationID: EventID.next().lowercase), now: now)
    }

    /// Brings the broker to all rows, or says who will.
    func provision() async throws {
        guard let provisioner else {
            let key = SettingKey.brokerOutsideManagementURL.environmentName
            StandardOutput.write(
                "The broker is brought there by the process that has \(key), or by `feedback publishers provision`.\n")
            return
        }
        while try await provisioner.provisionNext() != nil {}
    }

    /// Shows a credential, which is the only time.
    /// - Parameter secret: nil for a certificate.
    func show(_ secret: CredentialSecret?, as credential: PublisherCredential) {
        let proof = secret.map { "password  \($0.text)" } ?? "certificate  common name \(credential.user)"
        let use =
            secret == nil
            ? """
            The publisher keeps its key and sends a request for a certificate; deploy/publisher-certificate.sh signs it.
            It opens AMQP over TLS (the outsiders' virtual host, SASL EXTERNAL), not HTTP.
            """ : "It is not shown again. It opens AMQP (the outsiders' virtual host) and POST /v1/events (HTTP Basic)."
        StandardOutput.write(
            """
            user      \(credential.user)
            \(proof)
            exchange  \(FeedbackSubmission.queue(of: credential.publisher))
            receipts  \(FeedbackSubmission.receiptsQueue(of: credential.publisher))
            \(use)

            """)
    }
}

extension PublisherError {
    fileprivate var advice: String {
        switch self {
        case .field(let field, let expected): "\(field.drop { $0 == "/" }): expected \(expected)"
        case .nameTaken(let name): "there is a publisher \(name); names are never given out twice"
        case .unknown(let name): "there is no publisher \(name); `feedback publishers list` shows all"
        case .credentialUnknown(let number): "there is no credential number \(number) of it"
        case .versionMismatch: "it was changed meanwhile; look again"
        case .suspended(let name): "\(name) is suspended"
        case .tooManyCredentials(let count):
            "it has \(count) live credentials already: retire one, or rotate with --overlap-hours 0"
        }
    }
}

struct PublisherArgument: ParsableArguments {
    @Argument(help: "Its name.") var publisher: String

    @Option(help: "Who does it; kept in the log.") var by = "operator"
}

struct PublishersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All publishers and their credentials.")

    func run() async throws {
        try await PublishersDesk.with { desk in
            var after = ""
            while let last = try await show(after: after, desk) { after = last }
        }
    }

    private func show(after: String, _ desk: PublishersDesk) async throws -> String? {
        let records = try await desk.store.list(after: after, limit: 200, in: desk.pool)
        for record in records {
            let scope = record.terms.experiments.map { "\($0.count) experiments" } ?? "all experiments"
            let state = record.suspendedAt == nil ? "active" : "suspended"
            StandardOutput.write(
                "\(record.name)  \(state)  \(record.terms.organisation)  \(scope), \(record.terms.queueBytes) bytes"
                    + (record.isProvisioned ? "\n" : "  (the broker is behind)\n"))
            for credential in record.credentials {
                let user = PublisherCredential(publisher: record.name, number: credential.number).user
                let kind = credential.isCertificate ? "certificate  " : ""
                let end = kind + (credential.expiresAt.map { "until \(WireInstant.format($0))" } ?? "current")
                StandardOutput.write("  \(user)  \(credential.isExpired ? "ended" : end)\n")
            }
        }
        return records.last?.name
    }
}

struct PublishersAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Register a publisher and show its first credential.")

    @OptionGroup var target: PublisherArgument

    @Option(help: "The organisation behind it.") var organisation: String

    @Option(help: "Who answers there: an e-mail address or a telephone number.") var contact: String

    @Option(name: .customLong("experiment"), help: "Id of an experiment that it may send for; all without any.")
    var experiments: [String] = []

    @Option(help: "What may wait in its queue.") var queueBytes = PublisherTerms.queueBytesDefault

    @Option(help: "File with the password to take instead of a new one.") var secretFile: String?

    @Flag(help: "Do nothing when there is a publisher of this name.") var ifMissing = false

    func run() async throws {
        let terms = PublisherTerms(
            organisation: organisation, contact: contact, experiments: try ids(), queueBytes: queueBytes)
        let secret = try secret()
        try await PublishersDesk.with { desk in
            var added: PublisherCredential?
            do {
                added = try await desk.pool.withTransaction { transaction in
                    try await desk.store.insert(
                        target.publisher, terms, context: desk.context(by: target.by), in: transaction)
                    return try await desk.store.rotate(
                        target.publisher, to: CredentialProof(secret), overlapHours: 0, in: transaction)
                }
            } catch PublisherError.nameTaken where ifMissing {
                StandardOutput.write("\(target.publisher) is there already\n")
            }
            try await desk.provision()
            if let added, secretFile == nil { desk.show(secret, as: added) }
        }
    }

    private func ids() throws -> [UUID]? {
        guard !experiments.isEmpty else { return nil }
        return try experiments.map { text in
            guard let id = UUID(uuidString: text) else { throw ValidationError("--experiment: \(text) is no UUID") }
            return id
        }
    }

    private func secret() throws -> CredentialSecret {
        guard let secretFile else { return CredentialSecret() }
        guard let text = try? String(contentsOfFile: secretFile, encoding: .utf8),
            let secret = CredentialSecret(text.filter { !$0.isNewline })
        else {
            throw ValidationError("--secret-file: a readable file with 24 to 128 letters and digits, nothing else")
        }
        return secret
    }
}

struct PublishersRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Give a publisher a further credential; those before it end after the overlap."
    )

    @OptionGroup var target: PublisherArgument

    @Option(help: "So long those before it go on, 0 to 720.")
    var overlapHours = PublisherCredential.overlapHoursDefault

    @Flag(help: "A client certificate in the place of a password.") var certificate = false

    func run() async throws {
        try await PublishersDesk.with { desk in
            let secret = certificate ? nil : CredentialSecret()
            let credential = try await desk.pool.withTransaction { transaction in
                try await desk.store.rotate(
                    target.publisher, to: CredentialProof(secret), overlapHours: overlapHours, in: transaction)
            }
            try await desk.provision()
            desk.show(secret, as: credential)
        }
    }
}

struct PublishersRetireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "retire", abstract: "End a credential now.")

    @OptionGroup var target: PublisherArgument

    @Option(help: "Which one: the number behind the dot.") var number: Int

    func run() async throws {
        try await PublishersDesk.with { desk in
            try await desk.pool.withTransaction { transaction in
                try await desk.store.retire(
                    PublisherCredential(publisher: target.publisher, number: number), in: transaction)
            }
            try await desk.provision()
        }
    }
}

struct PublishersSuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Close every door to a publisher now; what it sent before is taken in.")

    @OptionGroup var target: PublisherArgument

    @Option(help: "Why; kept in the log.") var reason: String

    func run() async throws { try await target.set(isSuspended: true, reason: reason) }
}

struct PublishersResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Open the doors again, with the same credentials.")

    @OptionGroup var target: PublisherArgument

    @Option(help: "Why; kept in the log.") var reason = "resumed"

    func run() async throws { try await target.set(isSuspended: false, reason: reason) }
}

extension PublisherArgument {
    fileprivate func set(isSuspended: Bool, reason: String) async throws {
        try await PublishersDesk.with { desk in
            try await desk.pool.withTransaction { transaction in
                try await desk.store.setSuspended(
                    isSuspended, publisher, reason: reason, context: desk.context(by: by), in: transaction)
            }
            try await desk.provision()
        }
    }
}

struct PublishersProvisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision", abstract: "Bring the broker to what the publishers' rows say.")

    @Flag(help: "Go on until SIGTERM: for a process that alone holds the broker's administration.") var watch = false

    @Flag(help: "Also where the broker was brought there before: after it lost its data.") var all = false

    func run() async throws {
        try await PublishersDesk.with { desk in
            if all { try await ProvisioningStore(pool: desk.pool).reopen() }
            try await desk.provision()
        }
        if watch { try await PublishersWatch.run() }
    }
}
