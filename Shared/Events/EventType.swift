/// `<owner>.<noun>.<past-participle>.v<version>`: the CloudEvents `type` and, unchanged, the routing key.
package struct EventType: Hashable, Sendable, CustomStringConvertible {
    package let owner: EventOwner
    /// The stream within the owner. A subject's events are numbered per noun, and listeners bind per noun.
    package let noun: String
    package let participle: String
    package let version: Int
    /// Kept, because every message asks for it.
    package let name: String

    package init(_ owner: EventOwner, _ noun: String, _ participle: String, version: Int = 1) {
        self.owner = owner
        self.noun = noun
        self.participle = participle
        self.version = version
        name = "\(owner.rawValue).\(noun).\(participle).v\(version)"
    }

    /// Reads a type name; nil when it is not one of the form above, or its owner is not one of the five.
    package init?(_ name: some StringProtocol) {
        let name = String(name)
        // As bytes: to find a dot among characters costs more than the rest of the envelope.
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4, let owner = EventOwner(rawValue: String(Substring(parts[0]))), !parts[1].isEmpty,
            !parts[2].isEmpty, parts[3].first == UInt8(ascii: "v"),
            (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(parts[3].dropFirst().first ?? 0),
            let version = Int(Substring(parts[3].dropFirst()))
        else { return nil }
        self.owner = owner
        noun = String(Substring(parts[1]))
        participle = String(Substring(parts[2]))
        self.version = version
        self.name = name
    }

    package static func == (left: EventType, right: EventType) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    package var routingKey: String { name }
    /// Where the JSON Schema of `data` lies in docs/asyncapi.yaml.
    package var dataSchema: String { "asyncapi.yaml#/components/schemas/\(name)" }
    package var description: String { name }
}
