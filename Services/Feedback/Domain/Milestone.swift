/// A number of valid responses that counts as evidence.
package struct Milestone: Sendable, Equatable {
    package var name: String
    package var responsesCountMin: Int

    package init(name: String, responsesCountMin: Int) {
        self.name = name
        self.responsesCountMin = responsesCountMin
    }

    /// Those that a count reaches, lowest first.
    /// - Parameter open: the milestones that were not reached before; a milestone is reached once and for ever.
    package static func reached(_ open: [Milestone], responsesCount: Int) -> [Milestone] {
        open.filter { $0.responsesCountMin <= responsesCount }
            .sorted { ($0.responsesCountMin, $0.name) < ($1.responsesCountMin, $1.name) }
    }
}
