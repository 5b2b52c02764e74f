import Events
import Foundation
import Testing

/// Code, golden files and docs/asyncapi.yaml say the same. `make contract` writes the last two from the code; a
/// published version must then show no difference in `git diff`.
@Suite struct ContractTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let isWriting = ProcessInfo.processInfo.environment["MAILLAGE_WRITE_CONTRACT"] == "1"

    static func golden(_ payload: any EventPayload, _ variant: String) -> URL {
        root.appending(path: "Tests/Resources/events/\(type(of: payload).type.name)\(variant).json")
    }

    static func envelope(_ payload: any EventPayload) throws -> EventEnvelope {
        EventEnvelope(
            id: EventSamples.id(100), type: type(of: payload).type, subject: EventSamples.id(2).lowercase,
            time: EventSamples.instant, sequence: 3, correlationID: "0192-correlation", causationID: "0192-cause",
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", data: try WireCoding.encode(payload)
        )
    }

    @Test func everyTypeOfTheCatalogueHasASample() {
        let sampled = EventSamples.complete.map { type(of: $0).type }
        #expect(Set(sampled) == Set(EventCatalogue.entries.map(\.type)))
        #expect(sampled.count == EventCatalogue.entries.count)
    }

    @Test(arguments: [("", EventSamples.complete), (".minimal", EventSamples.minimal)])
    func goldenFilesAreWhatTheCodeWritesAndReads(variant: String, samples: [any EventPayload]) throws {
        for payload in samples {
            // given
            let file = Self.golden(payload, variant)
            let written = try Self.envelope(payload).encoded()
            if Self.isWriting { try Data(written + [UInt8(ascii: "\n")]).write(to: file) }

            // when
            let golden = try Array(Data(contentsOf: file)).dropLast()
            let read = try EventEnvelope(decoding: Array(golden))

            // then
            #expect(Array(golden) == written, "\(file.lastPathComponent) differs: publish a new version instead")
            func roundTrip<P: EventPayload>(_ payload: P) throws -> Bool {
                try WireCoding.decode(P.self, from: read.data) == payload
            }
            #expect(try roundTrip(payload))
        }
    }

    @Test func noGoldenFileIsLeftOver() throws {
        let expected = Set(
            EventSamples.complete.map { Self.golden($0, "").lastPathComponent }
                + EventSamples.minimal.map { Self.golden($0, ".minimal").lastPathComponent })
        let present = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "Tests/Resources/events").path)
        #expect(Set(present) == expected)
    }

    @Test(arguments: ["docs/asyncapi.yaml", "docs/asyncapi.html"])
    func theAsyncAPIDocumentAndItsPageAreWhatTheCodeSays(path: String) throws {
        let file = Self.root.appending(path: path)
        let text = path.hasSuffix("html") ? try AsyncAPIPage.text() : try AsyncAPIDocument.text()
        if Self.isWriting { try Data(text.utf8).write(to: file) }
        #expect(
            try String(contentsOf: file, encoding: .utf8) == text,
            "\(path) is not what Shared/Events says: run `make contract` and read the difference")
    }

    @Test func payloadsNameNoOneAndCarryNoFreeText() throws {
        let banned = ["name", "email", "phone", "comment", "iban", "address", "nir", "ins"]
        for entry in EventCatalogue.entries {
            func keys<P: EventPayload>(_ type: P.Type) throws -> String { try SchemaReflection.schema(of: type).yaml() }
            let schema = try keys(entry.payload)
            for key in banned {
                #expect(!schema.contains(" \(key):"), "\(entry.type) carries \(key): keep it in the owner's schema")
            }
            if entry.type.name != "experimentation.participant.enrolled.v1" { #expect(!schema.contains("pseudonym")) }
        }
    }

    @Test func listenersBindWholeNounsOfOtherServices() {
        for listener in EventOwner.allCases {
            for binding in EventCatalogue.bindings(of: listener) {
                #expect(binding.exchange != EventCatalogue.exchange(of: listener))
                #expect(binding.routingKey.hasSuffix(".#"))
            }
        }
        #expect(
            EventCatalogue.bindings(of: .feedback).map(\.routingKey) == [
                "experimentation.experiment.#", "experimentation.log.#", "experimentation.participant.#",
                "experimentation.protocol.#", "experimentation.site.#",
            ])
    }
}
