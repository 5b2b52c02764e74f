import Events
import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Postgres
import ServiceRuntime

/// `/v1/publishers`: who may send feedback. What is decided here is brought to the broker by ``BrokerProvisioner``.
struct PublisherRoutes: Sendable {
    let publishers: PublisherStore
    let pool: PostgresPool
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/publishers")
            .post(use: register).get(use: list).get("{publisher}", use: show).put("{publisher}", use: change)
            .post("{publisher}/credentials", use: rotate)
            .delete("{publisher}/credentials/{number}", use: retire)
            .post("{publisher}/suspension", use: suspend).delete("{publisher}/suspension", use: resume)
    }

    private struct Terms: Decodable {
        let organisation: String
        let contact: String
        let experiments: [UUID]?
        let queueBytes: Int?

        var terms: PublisherTerms {
            PublisherTerms(
                organisation: organisation, contact: contact, experiments: experiments,
                queueBytes: queueBytes ?? PublisherTerms.queueBytesDefault)
        }
    }

    private struct Registration: Decodable {
        let publisher: String
        let organisation: String
        let contact: String
        let experiments: [UUID]?
        let queueBytes: Int?

        var terms: PublisherTerms {
            Terms(organisation: organisation, contact: contact, experiments: experiments, queueBytes: queueBytes).terms
        }
    }

    private struct Rotation: Decodable {
        let overlapHours: Int?
        /// Whether it is to be a client certificate.
        let certificate: Bool?
    }

    private struct Suspension: Decodable {
        let reason: String
    }

    @Sendable private func register(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(Registration.self)
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            try await publishers.insert(body.publisher, body.terms, context: commandContext, in: transaction)
            let record = try await publishers.find(body.publisher, in: transaction)
            return try .created(
                PublisherView(record), at: "/v1/publishers/\(record.name)", version: record.version)
        }
    }

    @Sendable private func change(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let name = try context.parameter("publisher")
        let command = try await ChangeCommand(request, context)
        let body = try command.decode(Terms.self)
        return try await command.run(on: pool) { transaction in
            try await publishers.change(
                name, to: body.terms, expectedVersion: command.expectedVersion, in: transaction)
            let record = try await publishers.find(name, in: transaction)
            return try .ok(PublisherView(record), version: record.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<PublisherView> {
        _ = try context.require(.operator, .administrator)
        let page = try request.page()
        let found = try await publishers.list(
            after: page.after?.fields(count: 1)[0] ?? "", limit: page.limit + 1, in: pool)
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last.map { Cursor([$0.name]) } : nil
        return PageResponse(shown.map { PublisherView($0) }, next: next)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let record = try await publishers.find(context.parameter("publisher"), in: pool)
        return try JSONResponse(PublisherView(record), version: record.version).response()
    }

    /// The password is in this answer and nowhere else: the stored answer, which a repeat gets, is without it.
    @Sendable private func rotate(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let name = try context.parameter("publisher")
        let command = try await IdempotentCommand(request, context)
        let rotation = try command.decode(Rotation.self)
        let overlap = rotation.overlapHours ?? PublisherCredential.overlapHoursDefault
        let secret = rotation.certificate == true ? nil : CredentialSecret()
        let proof = CredentialProof(secret)
        var added: PublisherCredential?
        let answer = try await command.run(on: pool) { transaction in
            let credential = try await publishers.rotate(name, to: proof, overlapHours: overlap, in: transaction)
            added = credential
            return try .created(
                CredentialView(credential, proof, password: nil),
                at: "/v1/publishers/\(name)/credentials/\(credential.number)", version: 1)
        }
        guard let added, answer.headers[.idempotencyReplayed] == nil else { return answer }
        return try JSONResponse(
            CredentialView(added, proof, password: secret?.text), status: .created,
            headers: [.location: "/v1/publishers/\(name)/credentials/\(added.number)", .cacheControl: "no-store"]
        ).response()
    }

    @Sendable private func retire(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let name = try context.parameter("publisher")
        guard let number = Int(try context.parameter("number")) else { throw Problem.notFound("credential") }
        try await pool.withTransaction { transaction in
            try await publishers.retire(PublisherCredential(publisher: name, number: number), in: transaction)
        }
        return Response(status: .noContent)
    }

    @Sendable private func suspend(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let name = try context.parameter("publisher")
        let command = try await IdempotentCommand(request, context)
        let reason = try command.decode(Suspension.self).reason
        guard (1...500).contains(reason.utf8.count) else {
            throw Problem.invalid("/reason", expected: "1 to 500 bytes of text")
        }
        let commandContext = context.command(at: clock)
        return try await command.run(on: pool) { transaction in
            try await publishers.setSuspended(true, name, reason: reason, context: commandContext, in: transaction)
            return try .ok(PublisherView(try await publishers.find(name, in: transaction)))
        }
    }

    @Sendable private func resume(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .administrator)
        let name = try context.parameter("publisher")
        let commandContext = context.command(at: clock)
        try await pool.withTransaction { transaction in
            try await publishers.setSuspended(
                false, name, reason: "resumed", context: commandContext, in: transaction)
        }
        return Response(status: .noContent)
    }
}

extension MaillageContext {
    func command(at clock: ProgrammeClock) -> CommandContext {
        CommandContext(actor: actor, cause: cause, now: clock.now())
    }
}

struct PublisherView: Encodable, Sendable {
    struct Credential: Encodable, Sendable {
        let user: String
        let kind: CredentialKind
        let createdAt: Date
        let expiresAt: Date?
        let state: String
    }

    let publisher: String
    let organisation: String
    let contact: String
    let experiments: [String]?
    let queueBytes: Int
    let state: String
    let suspendedAt: Date?
    let createdAt: Date
    /// Whether the broker is as this says; it takes a moment.
    let isProvisioned: Bool
    let credentials: [Credential]

    init(_ record: PublisherRecord) {
        publisher = record.name
        organisation = record.terms.organisation
        contact = record.terms.contact
        experiments = record.terms.experiments?.map(\.lowercase)
        queueBytes = record.terms.queueBytes
        state = record.suspendedAt == nil ? "active" : "suspended"
        suspendedAt = record.suspendedAt
        createdAt = record.createdAt
        isProvisioned = record.isProvisioned
        credentials = record.credentials.map {
            Credential(
                user: PublisherCredential(publisher: record.name, number: $0.number).user,
                kind: $0.isCertificate ? .certificate : .password, createdAt: $0.createdAt, expiresAt: $0.expiresAt,
                state: $0.isExpired ? "ended" : "active")
        }
    }
}

enum CredentialKind: String, Encodable, Sendable {
    case password, certificate

    init(_ proof: CredentialProof) { self = proof == .certificate ? .certificate : .password }
}

struct CredentialView: Encodable, Sendable {
    /// The common name that a certificate has to be issued for.
    let user: String
    let kind: CredentialKind
    /// Shown once; nil when the request is a repeat, and for a certificate.
    let password: String?
    let exchange: String
    let receiptsQueue: String

    init(_ credential: PublisherCredential, _ proof: CredentialProof, password: String?) {
        user = credential.user
        kind = CredentialKind(proof)
        self.password = password
        exchange = FeedbackSubmission.queue(of: credential.publisher)
        receiptsQueue = FeedbackSubmission.receiptsQueue(of: credential.publisher)
    }
}
