/// A number of valid responses that counts as evidence.
package struct Milestone: Sendable, Equatable {
    package var name: String
    package var responsesCountMin: Int
    package var isReached: Bool
    /// How often it was reached or lost.
    package var version: Int
    /// Whether the protocol in force asks for it.
    package var isPlanned: Bool

    package init(
        name: String, responsesCountMin: Int, isReached: Bool = false, version: Int = 0, isPlanned: Bool = true
    ) {
        self.name = name
        self.responsesCountMin = responsesCountMin
        self.isReached = isReached
        self.version = version
        self.isPlanned = isPlanned
    }

    /// Those that a count reaches or loses, each in its new state; lowest first.
    package static func changes(of all: [Milestone], responsesCount: Int) -> [Milestone] {
        all.compactMap { milestone in
            let isReached = milestone.isPlanned && milestone.responsesCountMin <= responsesCount
            guard isReached != milestone.isReached else { return nil }
            var changed = milestone
            changed.isReached = isReached
            changed.version += 1
            return changed
        }
        .sorted { ($0.responsesCountMin, $0.name) < ($1.responsesCountMin, $1.name) }
    }
}
