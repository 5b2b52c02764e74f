/// The five services. Each owns its events, its exchange and its schema; each listens through one queue.
package enum EventOwner: String, CaseIterable, Codable, Sendable, Comparable {
    case applications
    case funding
    case experimentation
    case feedback
    case reporting

    /// The CloudEvents `source` of everything that this service publishes.
    package var source: String { "/maillage/\(rawValue)" }

    package init?(source: String) {
        guard source.hasPrefix("/maillage/") else { return nil }
        self.init(rawValue: String(source.dropFirst("/maillage/".count)))
    }

    package static func < (left: EventOwner, right: EventOwner) -> Bool { left.rawValue < right.rawValue }
}
