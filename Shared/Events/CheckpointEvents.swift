/// Whose log a checkpoint is about, as a type: so one payload serves all five owners and each has an event type of its
/// own.
package protocol LogOwner: Sendable {
    static var owner: EventOwner { get }
}

package enum ApplicationsLog: LogOwner { package static let owner = EventOwner.applications }
package enum FundingLog: LogOwner { package static let owner = EventOwner.funding }
package enum ExperimentationLog: LogOwner { package static let owner = EventOwner.experimentation }
package enum FeedbackLog: LogOwner { package static let owner = EventOwner.feedback }
package enum ReportingLog: LogOwner { package static let owner = EventOwner.reporting }

extension EventOwner {
    package var log: any LogOwner.Type {
        switch self {
        case .applications: ApplicationsLog.self
        case .funding: FundingLog.self
        case .experimentation: ExperimentationLog.self
        case .feedback: FeedbackLog.self
        case .reporting: ReportingLog.self
        }
    }
}

/// The number of the last event of a subject.
package struct SubjectMark: Codable, Sendable, Equatable {
    package var noun: String
    package var subject: String
    package var sequence: Int64

    package init(noun: String, subject: String, sequence: Int64) {
        self.noun = noun
        self.subject = subject
        self.sequence = sequence
    }
}

/// What the owner's log holds up to a position below which nothing can appear any more. Listeners compare it with what
/// they received, so that a lost event is seen even when no other follows it.
package struct LogCheckpointed<Log: LogOwner>: EventPayload {
    package static var type: EventType { EventType(Log.owner, CheckpointSlice.noun, "checkpointed") }
    package var position: Int64
    /// Events per type from the beginning of the log, checkpoints apart. Running totals, so that a lost checkpoint does
    /// not matter.
    package var counts: [String: Int64]
    /// The subjects that changed since the last checkpoint, latest first. Cut when there are more than an event holds.
    package var changed: [SubjectMark]
    /// How many changed; more than `changed` has when that was cut.
    package var changedCount: Int

    package init(position: Int64, counts: [String: Int64], changed: [SubjectMark], changedCount: Int) {
        self.position = position
        self.counts = counts
        self.changed = changed
        self.changedCount = changedCount
    }
}

/// Positions are counted in slices: a listener keeps a number per slice and not per event. A checkpoint at the end of a
/// slice can be compared exactly while events go on arriving.
package enum CheckpointSlice {
    /// The noun of the checkpoints, which are no part of what they count.
    package static let noun = "log"
    package static let width: Int64 = 256

    package static func number(of position: Int64) -> Int64 { position / width }

    /// Whether everything of the position's slice lies at or below it.
    package static func isEnd(_ position: Int64) -> Bool { (position + 1) % width == 0 }

    /// The last end of a slice at or below the position; -1 when there is none.
    package static func end(atOrBelow position: Int64) -> Int64 { (position + 1) / width * width - 1 }
}

/// The balances of funding's ledger by class of account, with all transfers whose events lie at or below a position of
/// its log. Their sum is 0.
package struct LedgerCheckpointed: EventPayload {
    package static let type = EventType(.funding, "ledger", "checkpointed")
    package var position: Int64
    /// `budget`, `programme`, `part`, `available`, `held`, `reserved`, `committed`, `released`, `paid`, `claimed`: what
    /// reached the accounts of the class less what left them. The budget's is below 0.
    package var balancesCents: [String: Int64]

    package init(position: Int64, balancesCents: [String: Int64]) {
        self.position = position
        self.balancesCents = balancesCents
    }
}

/// Entries of funding's ledger became a block of its hash chain. Whoever keeps this can tell that none of them was
/// changed since, nor any before.
package struct LedgerSealed: EventPayload {
    package static let type = EventType(.funding, "ledger", "sealed")
    /// From 1, without gaps.
    package var block: Int64
    /// In the log of funding: the entries of all events at or below it are sealed.
    package var position: Int64
    package var entryCount: Int64
    /// SHA-256 over the block before and every entry, in hexadecimal digits.
    package var hash: String

    package init(block: Int64, position: Int64, entryCount: Int64, hash: String) {
        self.block = block
        self.position = position
        self.entryCount = entryCount
        self.hash = hash
    }
}
