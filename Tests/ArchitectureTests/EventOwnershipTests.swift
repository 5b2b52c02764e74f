import Events
import Foundation
import Testing
import Yams

/// Rule 4: one owner per event type. Rule 5: golden files, code and docs/asyncapi.yaml name the same types.
@Suite struct EventOwnershipTests {
    /// Without its parameter, which the checkpoint has.
    private func name(of entry: EventCatalogue.Entry) -> String {
        String(String(describing: entry.payload).prefix { $0 != "<" })
    }

    /// Checkpoints are made and heard by the same code in every service.
    private let serviceEntries = EventCatalogue.entries.filter { $0.type.noun != CheckpointSlice.noun }

    private func folder(of owner: EventOwner) -> String { "Services/\(owner.rawValue.capitalized)/" }

    @Test func eachEventIsPublishedByItsOwnerAlone() {
        for entry in serviceEntries {
            let pattern = #"\b"# + name(of: entry) + #"\("#
            let publishers = SourceTree.sources.filter {
                $0.path.hasPrefix("Services/") && !$0.matches(pattern).isEmpty
            }
            for file in publishers where !file.path.hasPrefix(folder(of: entry.type.owner)) {
                Issue.record(
                    """
                    \(file.path) makes \(name(of: entry)), which \(entry.type.owner.rawValue) owns: publish an event \
                    of your own
                    """
                )
            }
            #expect(!publishers.isEmpty, "nobody publishes \(entry.type): delete it from the catalogue or publish it")
        }
    }

    @Test func eachListenerOfTheCatalogueHasAHandler() {
        for entry in serviceEntries {
            for listener in entry.handledBy {
                let pattern = #"\b"# + name(of: entry) + #"\.self"#
                #expect(
                    SourceTree.sources.contains {
                        $0.path.hasPrefix(folder(of: listener)) && !$0.matches(pattern).isEmpty
                    },
                    "\(listener.rawValue) is said to handle \(entry.type): write the consumer or change the catalogue")
            }
        }
    }

    @Test func eachTypeHasOneEntry() {
        let types = EventCatalogue.entries.map(\.type)
        #expect(Set(types).count == types.count)
    }

    @Test func goldenFilesCodeAndDocumentNameTheSameTypes() throws {
        let types = Set(EventCatalogue.entries.map(\.type.name))
        let golden = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appending(path: "Tests/Resources/events").path)
        let goldenTypes = golden.map { $0.replacing(/(\.minimal)?\.json$/, with: "") }
        #expect(Set(goldenTypes) == types, "Tests/Resources/events and Shared/Events differ: run `make contract`")

        let text = try String(contentsOf: SourceTree.root.appending(path: "docs/asyncapi.yaml"), encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        let channels = try #require(document["channels"] as? [String: Any])
        #expect(Set(channels.keys).subtracting(["submissions", "receipts"]) == types, "run `make contract`")
        let components = try #require(document["components"] as? [String: [String: Any]])
        #expect(types.isSubset(of: Set(components["schemas"]?.keys.map { $0 } ?? [])), "run `make contract`")
    }

    /// The document's schemas are checked against the golden files by their members, so that neither is a copy of
    /// itself.
    @Test func goldenFilesFitTheSchemasOfTheDocument() throws {
        let text = try String(contentsOf: SourceTree.root.appending(path: "docs/asyncapi.yaml"), encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        let components = try #require(document["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: Any])
        for entry in EventCatalogue.entries {
            let file = SourceTree.root.appending(path: "Tests/Resources/events/\(entry.type.name).json")
            let golden = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
            let schema = try #require(schemas[entry.type.name] as? [String: Any])
            let faults = SchemaCheck.faults(of: golden?["data"] as Any, against: schema, at: "data")
            #expect(faults.isEmpty, "\(entry.type): \(faults.joined(separator: "; "))")
        }
    }
}

/// The part of JSON Schema that docs/asyncapi.yaml uses.
enum SchemaCheck {
    static func faults(of value: Any, against schema: [String: Any], at path: String) -> [String] {
        if let options = schema["anyOf"] as? [[String: Any]] {
            return options.contains { faults(of: value, against: $0, at: path).isEmpty }
                ? [] : ["\(path) fits no option"]
        }
        switch schema["type"] as? String {
        case "object": return objectFaults(value, schema, path)
        case "array":
            guard let items = value as? [Any], let item = schema["items"] as? [String: Any] else {
                return ["\(path): no array"]
            }
            return items.enumerated().flatMap { faults(of: $1, against: item, at: "\(path)/\($0)") }
        case "string":
            guard let text = value as? String else { return ["\(path): no string"] }
            if let cases = schema["enum"] as? [String], !cases.contains(text) { return ["\(path): \(text) is no case"] }
            if schema["format"] as? String == "uuid", UUID(uuidString: text) == nil { return ["\(path): no UUID"] }
            return []
        case "integer": return value is Int ? [] : ["\(path): no integer"]
        case "boolean": return value is Bool ? [] : ["\(path): no boolean"]
        case "null": return value is NSNull ? [] : ["\(path): not null"]
        default: return ["\(path): the schema has no type"]
        }
    }

    private static func objectFaults(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        guard let object = value as? [String: Any] else { return ["\(path): no object"] }
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        let missing = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }.map {
            "\(path)/\($0) is missing"
        }
        let rest = object.flatMap { key, member -> [String] in
            if let schema = properties[key] { return faults(of: member, against: schema, at: "\(path)/\(key)") }
            if let others = schema["additionalProperties"] as? [String: Any] {
                return faults(of: member, against: others, at: "\(path)/\(key)")
            }
            return ["\(path)/\(key) is not in the schema"]
        }
        return missing + rest
    }
}
