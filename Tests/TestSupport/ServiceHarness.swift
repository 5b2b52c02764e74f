package import Events
package import FoundationEssentials
import HTTPDefaults
package import HTTPTypes
import Hummingbird
package import Identity
package import Inbox
import Logging
import Observability
package import Outbox
package import Postgres
import RabbitMQ
package import ServiceRuntime
import Synchronization

/// One service on a database of its own: its real router with every middleware, its real event handlers, no broker and
/// no relay. What it would publish is read from its log; what others published is delivered by
/// ``deliver(_:subject:…)``.
package struct ServiceHarness: Sendable {
    private final class Sequences: Sendable {
        let last = Mutex<[String: Int64]>([:])
    }

    package let pool: PostgresPool
    package let clock: TestClock
    package let settings: Settings
    /// What the runtime signals after a request that may have committed events.
    package let wakeUp: RelayWakeUp
    /// `GET /v1/calls/{id}` for everything that the router answers besides what every service has.
    package let operations: Set<String>
    private let listener: EventOwner
    /// Where an operator settles the service's dead letters.
    package let desk: DeadLetterDesk
    private let client: RouterClient
    private let inbox: InboxConsumer
    /// What the service follows.
    package let handlers: [EventHandler]
    private let processor: InboxProcessor
    private let logger: Logger
    private let sequences = Sequences()
    private let checkpoints: CheckpointMaker

    /// Builds the service as its process would and lends it to `body`.
    /// - Parameter settings: by name, `["feedback.batch": "10"]`; all others have their defaults.
    package static func with<Definition: ServiceDefinition>(
        _ definition: Definition.Type, settings: [String: String] = [:],
        _ body: (ServiceHarness) async throws -> Void
    ) async throws {
        try await withDatabase(schema: Definition.name, migrations: Definition.allMigrations) { pool, _ in
            try await body(try await ServiceHarness(definition, settings: settings, pool: pool))
        }
    }

    private init<Definition: ServiceDefinition>(
        _: Definition.Type, settings: [String: String], pool: PostgresPool
    ) async throws {
        var environment: [String: String] = [:]
        // What is only kept secret, and has no other end.
        for key in Definition.requiredSettings {
            if case .secret(let bytes) = key.kind {
                environment[key.environmentName] = String(repeating: "k", count: bytes.lowerBound)
            }
        }
        for (name, value) in settings {
            environment[SettingKey(name, .path, about: "").environmentName] = value
        }
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let clock = TestClock()
        let context = BuildContext(
            pool: pool, clock: clock.clock, settings: try .load(keys: Definition.allSettings, environment: environment),
            logger: logger, wakeUp: RelayWakeUp())
        let parts = try await Definition.build(context)
        let router = ServiceRouter(
            verifier: try await Tokens.verifier(), metrics: PrometheusMetricsFactory(), context: context
        ).router(of: Definition.self, parts: parts, checks: [])
        // Never asked for a message, so it never connects.
        let consumer = RabbitConsumer(
            configuration: try RabbitMQConfiguration(url: "amqp://127.0.0.1:1/", connectionName: "unused"),
            queue: EventCatalogue.queue(of: Definition.owner), logger: logger)
        checkpoints = CheckpointMaker(
            owner: Definition.owner, pool: pool, interval: .zero, now: clock.clock.now, companion: parts.checkpoint)
        self.pool = pool
        self.clock = clock
        self.settings = context.settings
        wakeUp = context.wakeUp
        operations = Set(router.routes.map(\.description).filter { $0.contains(" /v1/") })
        handlers = parts.handlers
        self.logger = logger
        listener = Definition.owner
        processor = InboxProcessor(pool: pool, handlers: parts.handlers, logger: logger)
        desk = DeadLetterDesk(pool: pool, handlers: parts.handlers, logger: logger)
        client = RouterClient(router)
        inbox = InboxConsumer(
            listener: Definition.owner, pool: pool, consumer: consumer, handlers: parts.handlers, logger: logger)
    }

    /// Sends a request. A POST without an `Idempotency-Key` gets a fresh one.
    /// - Parameters:
    ///   - roles: of the caller; none sends no token.
    ///   - json: the body.
    package func request(
        _ method: HTTPRequest.Method, _ path: String, as roles: [Role] = [], subject: String = "test-user",
        organisation: String? = nil, json: String? = nil, headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = headers
        if json != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        if method == .post, headers[.idempotencyKey] == nil { headers[.idempotencyKey] = UUID().uuidString }
        let caller =
            roles.isEmpty
            ? nil : RouterClient.Caller(roles, subject: subject, organisation: organisation)
        return try await client.request(method, path, by: caller, body: json.map { Array($0.utf8) }, headers: headers)
    }

    /// What the service says of itself.
    package func openAPI() async throws -> OpenAPIDocument {
        try OpenAPIDocument(try await request(.get, "/openapi.yaml").text)
    }

    /// An event that the service appended to its log.
    package struct RecordedEvent: Sendable {
        /// `funding.grant.reserved.v1`
        package let type: String
        package let subject: String
        package let sequence: Int64
        package let actor: String
        /// The payload as JSON, without values about persons.
        package let data: [UInt8]

        package func decode<Payload: EventPayload>(_ type: Payload.Type = Payload.self) throws -> Payload {
            try WireCoding.decode(type, from: data)
        }
    }

    /// What the service has appended, in the order of its log.
    package func recordedEvents(type: String? = nil) async throws -> [RecordedEvent] {
        try await pool.query("select type, subject, sequence, actor, data from events order by position").map { row in
            RecordedEvent(
                type: try row.get("type"), subject: try row.get("subject"), sequence: try row.get("sequence"),
                actor: try row.get("actor"), data: Array(try row.get("data", as: String.self).utf8))
        }.filter { type == nil || $0.type == type }
    }

    /// Passes an event through the service's inbox as if the broker had delivered it.
    /// - Parameters:
    ///   - sequence: by default the next of that noun and subject in this harness.
    ///   - id: the same id again is a redelivery.
    ///   - time: by default the test clock's.
    ///   - position: in the owner's log; by default the message does not tell.
    @discardableResult
    package func deliver(
        _ payload: some EventPayload, subject: String, sequence: Int64? = nil, id: UUID = UUID(), time: Date? = nil,
        position: Int64? = nil
    ) async throws -> UUID {
        var message = try message(payload, subject: subject, sequence: sequence, id: id, time: time)
        if let position { message.headers = [(LogHeaders.position, .int(position))] }
        try await inbox.process(DeliveryBatch([message]))
        return id
    }

    /// Lets the broker give up on an event, as after too many deliveries.
    /// - Returns: the number of the dead letter.
    package func giveUp(on payload: some EventPayload, subject: String, sequence: Int64? = nil) async throws -> Int64 {
        let id = UUID()
        let fresh = DeliveryBatch([try message(payload, subject: subject, sequence: sequence, id: id, time: nil)])
        let deliveries = fresh.deliveries.map { delivery in
            var properties = MessageProperties()
            properties.messageID = delivery.messageID
            properties.death = DeathRecord(
                queue: "a queue of tests", reason: "delivery_limit", exchange: delivery.exchange,
                routingKey: delivery.routingKey)
            return Delivery(
                exchange: "maillage.dead", routingKey: "", tag: delivery.tag, isRedelivered: false,
                properties: properties, bodyRange: delivery.bodyRange)
        }
        try await processor.keep(DeliveryBatch(deliveries: deliveries, bytes: fresh.bytes))
        return try await pool.query("select id from dead_letters where event_id = \(id)")[0].get("id")
    }

    private func message(
        _ payload: some EventPayload, subject: String, sequence: Int64?, id: UUID, time: Date?
    ) throws -> OutgoingMessage {
        let type = Swift.type(of: payload).type
        let envelope = EventEnvelope(
            id: id, type: type, subject: subject, time: time ?? clock.now(),
            sequence: sequence ?? next("\(type.owner.rawValue).\(type.noun) \(subject)"), correlationID: id.lowercase,
            data: try WireCoding.encode(payload))
        return OutgoingMessage(
            exchange: EventCatalogue.exchange(of: type.owner), routingKey: type.name, body: envelope.encoded(),
            messageID: id.lowercase, type: type.name, contentType: EventEnvelope.contentType, appID: nil,
            timestamp: nil, headers: [])
    }

    /// What another replica of the service works with.
    package func processor(of handlers: [EventHandler]) -> InboxProcessor {
        InboxProcessor(listener: listener, pool: pool, handlers: handlers, logger: logger)
    }

    /// Sums up the log as its process would, and appends the checkpoint.
    package func checkpoint() async throws {
        var maker = checkpoints
        // Transactions of other tests on the same server hold it up.
        try await waitUntil("the log is summed up", within: .seconds(60)) {
            switch try await maker.advance() {
            case .idle: true
            case .recorded(_, _, let hasMore): !hasMore
            case .unsettled, .taken: false
            }
        }
    }

    /// What the service has of what the others say they logged.
    package func completeness() async throws -> CompletenessReport {
        try await Completeness(listener: listener, pool: pool, holeAge: .zero).report()
    }

    /// Events that could not be applied.
    package func deadLetterCount() async throws -> Int {
        let rows = try await pool.query("select count(*) as n from dead_letters")
        return Int(try rows[rows.startIndex].get("n", as: Int64.self))
    }

    private func next(_ subject: String) -> Int64 {
        sequences.last.withLock { last in
            last[subject, default: 0] += 1
            return last[subject, default: 1]
        }
    }
}
