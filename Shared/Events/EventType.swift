/// `<owner>.<noun>.<past-participle>.v<version>`: the CloudEvents `type` and, unchanged, the routing key.
package struct EventType: Hashable, Sendable, CustomStringConvertible {
    package let owner: EventOwner
    /// The stream within the owner. A subject's events are numbered per noun, and listeners bind per noun.
    package let noun: String
    package let participle: String
    package let version: Int

    package init(_ owner: EventOwner, _ noun: String, _ participle: String, version: Int = 1) {
        self.owner = owner
        self.noun = noun
        self.participle = participle
        self.version = version
    }

    /// Reads a type name; nil when it is not one of the form above, or its owner is not one of the five.
    package init?(_ name: some StringProtocol) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let owner = EventOwner(rawValue: String(parts[0])), !parts[1].isEmpty,
            !parts[2].isEmpty,
            parts[3].first == "v", let version = Int(parts[3].dropFirst()), version > 0
        else { return nil }
        self.init(owner, String(parts[1]), String(parts[2]), version: version)
    }

    package var name: String { "\(owner.rawValue).\(noun).\(participle).v\(version)" }
    package var routingKey: String { name }
    /// Where the JSON Schema of `data` lies in docs/asyncapi.yaml.
    package var dataSchema: String { "asyncapi.yaml#/components/schemas/\(name)" }
    package var description: String { name }
}
