package import Events

/// What a listener has of what the owners say they logged.
package struct CompletenessReport: Sendable, Encodable {
    package struct Count: Sendable, Equatable, Encodable {
        package let owner: EventOwner
        package let type: String
        /// As the owner's latest checkpoint says; absent before the first.
        package let expectedCount: Int64?
        package let receivedCount: Int64
        /// That a person decided to go without.
        package let waivedCount: Int64
        package let missingCount: Int64
    }

    /// A subject of an ordered noun of which an event is missing.
    package struct Hole: Sendable, Equatable, Encodable {
        package let owner: EventOwner
        package let noun: String
        package let subject: String
        package let missingSequence: Int64
        /// The highest number that is known of.
        package let knownSequence: Int64
        /// Events that are here and wait, in their order, the first 20.
        package let waiting: [String]
        package let ageSeconds: Int64
    }

    package struct Checkpoint: Sendable, Equatable, Encodable {
        package let owner: EventOwner
        /// In the owner's log; absent before the first.
        package let position: Int64?
        package let ageSeconds: Int64?
    }

    package struct Backlog: Sendable, Equatable, Encodable {
        package let waitingForPredecessorCount: Int64
        package let waitingForDeadPredecessorCount: Int64
        package let notReadyCount: Int64
        package let deadLetterCount: Int64
    }

    package let listener: EventOwner
    package let counts: [Count]
    package let holes: [Hole]
    /// One for each owner that is followed.
    package let checkpoints: [Checkpoint]
    package let backlog: Backlog

    package var missingCount: Int64 { counts.reduce(0) { $0 + $1.missingCount } }

    /// Owners whose events came but no word on how many there should be.
    package var unproven: [EventOwner] {
        checkpoints.filter { checkpoint in
            checkpoint.position == nil && counts.contains { $0.owner == checkpoint.owner && $0.receivedCount > 0 }
        }.map(\.owner)
    }

    /// Whether everything that the owners are known to have published is here.
    package var isComplete: Bool { missingCount == 0 && holes.isEmpty && unproven.isEmpty }
}
