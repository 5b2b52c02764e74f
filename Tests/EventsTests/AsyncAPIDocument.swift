import Events

/// docs/asyncapi.yaml as the code has it: AsyncAPI 3.0 with the AMQP 0-9-1 bindings 0.3.0.
enum AsyncAPIDocument {
    static func text() throws -> String {
        let head = """
            # The wire contract. Made from Shared/Events by `make contract`; EventsTests compare both.
            # To change an event: publish a new version beside the old one (docs/decisions/0002).

            """
        return head + (try document().yaml()) + "\n"
    }

    static func document() throws -> SchemaNode {
        .map([
            ("asyncapi", .text("3.0.0")),
            ("info", info),
            ("defaultContentType", .text("application/cloudevents+json")),
            ("servers", servers),
            ("channels", .map(EventCatalogue.entries.map(channel) + outsideChannels)),
            ("operations", .map(operations + outsideOperations)),
            ("components", .map([("messages", .map(messages)), ("schemas", .map(try schemas()))])),
        ])
    }

    private static let info = SchemaNode.map([
        ("title", .text("Maillage")), ("version", .text("1.0.0")),
        (
            "description",
            .text(
                "Domain events of a national programme of third places for experiments in digital health, "
                    + "and the contract for outside publishers of feedback.")
        ),
    ])

    private static let servers = SchemaNode.map([
        (
            "internal",
            .map([
                ("host", .text("rabbitmq:5672")), ("pathname", .text("/maillage")), ("protocol", .text("amqp")),
                ("description", .text("The five services. Nobody else connects here.")),
            ])
        ),
        (
            "outside",
            .map([
                ("host", .text("rabbitmq:5671")), ("pathname", .text("/outside")), ("protocol", .text("amqps")),
                ("description", .text("Outside publishers: one user, one exchange, one bounded queue each.")),
            ])
        ),
    ])

    private static func reference(_ path: String) -> SchemaNode { .map([("$ref", .text("#/\(path)"))]) }

    private static func server(_ name: String) -> (String, SchemaNode) {
        ("servers", .list([reference("servers/\(name)")]))
    }

    private static func channel(_ entry: EventCatalogue.Entry) -> (String, SchemaNode) {
        let exchange = SchemaNode.map([
            ("name", .text(EventCatalogue.exchange(of: entry.type.owner))), ("type", .text("topic")),
            ("durable", .flag(true)), ("autoDelete", .flag(false)), ("vhost", .text("maillage")),
        ])
        let binding = SchemaNode.map([
            ("is", .text("routingKey")), ("exchange", exchange), ("bindingVersion", .text("0.3.0")),
        ])
        return (
            entry.type.name,
            .map([
                ("address", .text(entry.type.routingKey)), server("internal"),
                ("messages", .map([("event", reference("components/messages/\(entry.type.name)"))])),
                ("bindings", .map([("amqp", binding)])),
            ])
        )
    }

    private static var operations: [(String, SchemaNode)] {
        EventCatalogue.entries.flatMap { entry in
            let channel = ("channel", reference("channels/\(entry.type.name)"))
            let send = SchemaNode.map([
                ("action", .text("send")), channel, ("x-service", .text(entry.type.owner.rawValue)),
                (
                    "bindings",
                    .map([
                        (
                            "amqp",
                            .map([
                                ("deliveryMode", .number(2)), ("mandatory", .flag(true)), ("timestamp", .flag(true)),
                                ("bindingVersion", .text("0.3.0")),
                            ])
                        )
                    ])
                ),
            ])
            let receives = entry.handledBy.sorted().map { listener in
                (
                    "\(listener.rawValue).receives.\(entry.type.name)",
                    SchemaNode.map([
                        ("action", .text("receive")), channel, ("x-service", .text(listener.rawValue)),
                        ("x-queue", .text(EventCatalogue.queue(of: listener))),
                    ])
                )
            }
            return [("\(entry.type.owner.rawValue).sends.\(entry.type.name)", send)] + receives
        }
    }

    private static var messages: [(String, SchemaNode)] {
        EventCatalogue.entries.map { entry in
            message(name: entry.type.name, type: entry.type.name, data: entry.type.name, envelope: "domainEvent")
        } + [
            message(
                name: FeedbackSubmission.submitted, type: FeedbackSubmission.submitted, data: "response",
                envelope: "cloudEvent"),
            message(
                name: FeedbackSubmission.amended, type: FeedbackSubmission.amended, data: "response",
                envelope: "cloudEvent"),
            message(
                name: FeedbackSubmission.retracted, type: FeedbackSubmission.retracted, data: "retraction",
                envelope: "cloudEvent"),
            message(
                name: FeedbackSubmission.receipts, type: FeedbackSubmission.receipts, data: "receipts",
                envelope: "cloudEvent"),
        ]
    }

    private static func message(name: String, type: String, data: String, envelope: String) -> (String, SchemaNode) {
        let own = SchemaNode.map([
            ("type", .text("object")),
            (
                "properties",
                .map([
                    ("type", .map([("const", .text(type))])),
                    ("data", reference("components/schemas/\(data)")),
                ])
            ),
        ])
        return (
            name,
            .map([
                ("name", .text(name)), ("contentType", .text("application/cloudevents+json")),
                ("payload", .map([("allOf", .list([reference("components/schemas/\(envelope)"), own]))])),
            ])
        )
    }

    private static func schemas() throws -> [(String, SchemaNode)] {
        var schemas: [(String, SchemaNode)] = [
            ("cloudEvent", envelope(required: ["specversion", "id", "source", "type", "data"], sequence: false)),
            (
                "domainEvent",
                envelope(
                    required: [
                        "specversion", "id", "source", "type", "subject", "time", "dataschema", "correlationid",
                        "sequence",
                        "data",
                    ], sequence: true)
            ),
        ]
        for entry in EventCatalogue.entries {
            func node<P: EventPayload>(_ type: P.Type) throws -> SchemaNode { try SchemaReflection.schema(of: type) }
            schemas.append((entry.type.name, try node(entry.payload)))
        }
        schemas.append(("response", try SchemaReflection.schema(of: FeedbackSubmission.Response.self)))
        schemas.append(("retraction", try SchemaReflection.schema(of: FeedbackSubmission.Retraction.self)))
        schemas.append(("receipts", try SchemaReflection.schema(of: FeedbackSubmission.Receipts.self)))
        return schemas
    }

    private static func envelope(required: [String], sequence: Bool) -> SchemaNode {
        let text = SchemaNode.map([("type", .text("string")), ("minLength", .number(1))])
        var properties: [(String, SchemaNode)] = [
            ("specversion", .map([("const", .text("1.0"))])), ("id", text), ("source", text), ("type", text),
            ("subject", text), ("time", .map([("type", .text("string")), ("format", .text("date-time"))])),
            ("dataschema", text), ("datacontenttype", text), ("traceparent", text), ("correlationid", text),
            ("causationid", text),
        ]
        if sequence {
            properties.append(("sequence", .map([("type", .text("integer")), ("minimum", .number(1))])))
        }
        properties.append(("data", .map([("type", .text("object"))])))
        return .map([
            ("type", .text("object")), ("required", .list(required.map { .text($0) })),
            ("properties", .map(properties)),
        ])
    }

    private static var outsideChannels: [(String, SchemaNode)] {
        let publisher = SchemaNode.map([
            ("publisher", .map([("description", .text("The name that the publisher was registered under."))]))
        ])
        func channel(_ address: String, _ messages: [String], _ binding: SchemaNode) -> SchemaNode {
            .map([
                ("address", .text(address)), server("outside"), ("parameters", publisher),
                ("messages", .map(messages.map { ($0, reference("components/messages/\($0)")) })),
                ("bindings", .map([("amqp", binding)])),
            ])
        }
        let exchange = SchemaNode.map([
            ("is", .text("routingKey")),
            (
                "exchange",
                .map([
                    ("name", .text("feedback.in.{publisher}")), ("type", .text("fanout")), ("durable", .flag(true)),
                    ("autoDelete", .flag(false)), ("vhost", .text("outside")),
                ])
            ), ("bindingVersion", .text("0.3.0")),
        ])
        let queue = SchemaNode.map([
            ("is", .text("queue")),
            (
                "queue",
                .map([
                    ("name", .text("feedback.receipts.{publisher}")), ("durable", .flag(true)),
                    ("exclusive", .flag(false)),
                    ("autoDelete", .flag(false)), ("vhost", .text("outside")),
                ])
            ), ("bindingVersion", .text("0.3.0")),
        ])
        return [
            (
                "submissions",
                channel(
                    FeedbackSubmission.queue(of: "{publisher}"),
                    [FeedbackSubmission.submitted, FeedbackSubmission.amended, FeedbackSubmission.retracted],
                    exchange)
            ),
            (
                "receipts",
                channel(FeedbackSubmission.receiptsQueue(of: "{publisher}"), [FeedbackSubmission.receipts], queue)
            ),
        ]
    }

    private static let outsideOperations: [(String, SchemaNode)] = [
        (
            "feedback.receives.submissions",
            .map([
                ("action", .text("receive")), ("channel", reference("channels/submissions")),
                ("x-service", .text("feedback")),
            ])
        ),
        (
            "feedback.sends.receipts",
            .map([
                ("action", .text("send")), ("channel", reference("channels/receipts")),
                ("x-service", .text("feedback")),
            ])
        ),
    ]
}
