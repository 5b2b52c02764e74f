import Events
import Foundation

/// docs/asyncapi.html: docs/asyncapi.yaml for people, from the same document. One file without scripts, so that it can
/// be read from a disk, behind a proxy and in ten years.
enum AsyncAPIPage {
    static func text() throws -> String {
        let document = try AsyncAPIDocument.document()
        let schemas = document["components"]?["schemas"] ?? .map([])
        let outside = document["channels"]?.members.filter { $0.1.isOutside } ?? []
        var body = """
            <h1>Maillage: events and messages</h1>
            <p>\(escaped(document["info"]?["description"]?.plain ?? ""))
            Every message is a CloudEvents 1.0 event in JSON. How to publish feedback, with programs to begin from, is
            in <a href="publishing.md">publishing.md</a>; the same contract for tools is
            <a href="asyncapi.yaml">asyncapi.yaml</a>.</p>
            <p lang="fr">Chaque message est un événement CloudEvents 1.0 en JSON. Si vous envoyez des réponses depuis
            un outil extérieur, seule la première partie vous concerne ; la seconde décrit ce que les services se
            disent entre eux.</p>

            """
        body += contents(outside.map(\.0))
        body += "<h2 id=\"outside\">Outside publishers</h2>\n<p>Around <code>data</code> stands:</p>\n"
        body += fields(schemas["cloudEvent"] ?? .map([]), of: "the event")
        for (name, channel) in outside { body += outsideChannel(name, channel, schemas) }
        body += envelope(schemas)
        for owner in EventOwner.allCases { body += try service(owner, schemas) }
        return page(body)
    }

    // MARK: Parts

    private static func contents(_ channels: [String]) -> String {
        let services = EventOwner.allCases.map { owner in
            "<li><a href=\"#\(owner.rawValue)\">What \(owner.rawValue) tells</a></li>"
        }
        let doors = channels.map { "<li><a href=\"#\($0)\">\(heading($0))</a></li>" }
        return "<nav aria-label=\"Contents\"><ul>\n\((doors + services).joined(separator: "\n"))\n</ul></nav>\n"
    }

    private static func heading(_ channel: String) -> String {
        channel == "submissions" ? "What a publisher sends" : "What a publisher is told"
    }

    private static func outsideChannel(_ name: String, _ channel: SchemaNode, _ schemas: SchemaNode) -> String {
        let isSent = name == "submissions"
        let way = isSent ? "the fanout exchange" : "the queue"
        var text = """
            <h3 id="\(name)">\(heading(name))</h3>
            <p>Virtual host <code>outside</code>, \(way) <code>\(escaped(channel["address"]?.plain ?? ""))</code>,
            AMQP 0-9-1 over TLS; \(isSent ? "the same events" : "the same receipts, in the answer,") by HTTP at
            <code>POST /v1/events</code>.</p>

            """
        for (message, _) in channel["messages"]?.members ?? [] {
            text += "<h4>\(escaped(message))</h4>\n"
            text += fields(schemas[FeedbackSubmission.schemaName(of: message)] ?? .map([]), of: "data")
        }
        return text
    }

    private static func envelope(_ schemas: SchemaNode) -> String {
        """
        <h2 id="inside">Between the services</h2>
        <p>Each service tells what happened in its own topic exchange, <code>maillage.SERVICE</code>; the routing key is
        the event's type. A subject's events are numbered by <code>sequence</code> and come in that order. Around
        <code>data</code> stands:</p>
        \(fields(schemas["domainEvent"] ?? .map([]), of: "the event"))
        """
    }

    private static func service(_ owner: EventOwner, _ schemas: SchemaNode) throws -> String {
        var text = "<h2 id=\"\(owner.rawValue)\">What \(owner.rawValue) tells</h2>\n"
        for entry in EventCatalogue.entries where entry.type.owner == owner {
            let name = entry.type.name
            let listeners = entry.handledBy.sorted().map(\.rawValue).joined(separator: ", ")
            text += """
                <h3 id="\(name)">\(name)</h3>
                <p>\(listeners.isEmpty ? "Nobody listens yet." : "Heard by \(listeners).")</p>

                """
            text += fields(schemas[name] ?? .map([]), of: "data")
            text += try example(name)
        }
        return text
    }

    private static func example(_ name: String) throws -> String {
        let golden = ContractTests.root.appending(path: "Tests/Resources/events/\(name).json")
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: golden))
        let pretty = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        let text = escaped(String(decoding: pretty, as: UTF8.self))
        return "<details><summary>Example</summary><pre tabindex=\"0\">\(text)</pre></details>\n"
    }

    // MARK: Fields

    private static func fields(_ schema: SchemaNode, of what: String) -> String {
        let rows = rows(of: schema, prefix: "").map { row in
            """
            <tr><td><code>\(escaped(row.name))</code></td><td>\(escaped(row.type))</td>\
            <td>\(row.isRequired ? "always" : "may be left out")</td></tr>
            """
        }
        guard !rows.isEmpty else { return "" }
        return """
            <table><caption>Members of \(what)</caption>
            <thead><tr><th scope="col">member</th><th scope="col">type</th><th scope="col">there</th></tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table>

            """
    }

    private static func rows(
        of schema: SchemaNode, prefix: String
    ) -> [(name: String, type: String, isRequired: Bool)] {
        let required = Set(schema["required"]?.elements.compactMap(\.plain) ?? [])
        return (schema["properties"]?.members ?? []).flatMap { name, member in
            let row = (name: prefix + name, type: type(of: member), isRequired: required.contains(name))
            let inner = member["items"] ?? member
            let isList = member["items"] != nil
            return [row] + rows(of: inner, prefix: "\(prefix)\(name)\(isList ? "[]" : "").")
        }
    }

    private static func type(of schema: SchemaNode) -> String {
        if let constant = schema["const"]?.plain { return "“\(constant)”" }
        if let cases = schema["enum"]?.elements.compactMap(\.plain) { return cases.joined(separator: ", ") }
        if let either = schema["anyOf"]?.elements { return either.map { type(of: $0) }.joined(separator: " or ") }
        if let items = schema["items"] { return "list of \(type(of: items))" }
        let name = schema["type"]?.plain ?? "object"
        return schema["format"]?.plain.map { "\(name) (\($0))" } ?? name
    }

    // MARK: The page

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    private static func page(_ body: String) -> String {
        """
        <!doctype html>
        <!-- Made from Shared/Events by `make contract`; EventsTests compare both. -->
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Maillage: events and messages</title>
        <style>
        :root { color-scheme: light dark; }
        body { font: 1rem/1.5 system-ui, sans-serif; max-width: 58rem; margin: 0 auto; padding: 1rem; }
        h2 { margin-top: 3rem; border-bottom: 1px solid; }
        h3, h4 { overflow-wrap: anywhere; }
        table { border-collapse: collapse; width: 100%; }
        caption { text-align: start; font-weight: 600; padding: .25rem 0; }
        th, td { text-align: start; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #8886; }
        td { overflow-wrap: anywhere; }
        pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; }
        summary { cursor: pointer; padding: .5rem 0; }
        </style>
        </head>
        <body>
        <main>
        \(body)</main>
        </body>
        </html>

        """
    }
}

extension FeedbackSubmission {
    /// Under which the data of an outsiders' message stands among the schemas.
    fileprivate static func schemaName(of message: String) -> String {
        switch message {
        case retracted: "retraction"
        case receipts: "receipts"
        default: "response"
        }
    }
}

extension SchemaNode {
    fileprivate var members: [(String, SchemaNode)] {
        if case .map(let members) = self { members } else { [] }
    }

    fileprivate var elements: [SchemaNode] {
        if case .list(let elements) = self { elements } else { [] }
    }

    fileprivate var plain: String? {
        if case .text(let text) = self { text } else { nil }
    }

    fileprivate subscript(_ key: String) -> SchemaNode? { members.first { $0.0 == key }?.1 }

    fileprivate var isOutside: Bool {
        self["servers"]?.elements.contains { $0["$ref"]?.plain == "#/servers/outside" } ?? false
    }
}
