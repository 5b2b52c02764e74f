package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

package enum TrancheState: String, Sendable {
    /// Of an agreement that is not signed.
    case planned
    /// Waits for its evidence.
    case opened
    /// May be paid.
    case released
    case paid
    /// Its agreement ended before it was paid.
    case cancelled
}

/// The events that met conditions of an agreement: for each condition the first that was recorded.
package typealias RecordedEvidence = [ReleaseCondition: UUID]

/// One instalment of an agreement.
package struct Tranche: Sendable, Equatable {
    package let id: UUID
    package let agreement: UUID
    package let grant: UUID
    /// From 1.
    package let number: Int
    package let amountCents: Int64
    package let conditions: [ReleaseCondition]
    package private(set) var state: TrancheState

    package init(
        id: UUID, agreement: UUID, grant: UUID, number: Int, amountCents: Int64, conditions: [ReleaseCondition],
        state: TrancheState = .planned
    ) {
        self.id = id
        self.agreement = agreement
        self.grant = grant
        self.number = number
        self.amountCents = amountCents
        self.conditions = conditions
        self.state = state
    }

    mutating func open() { state = .opened }

    /// The conditions without evidence, in the tranche's order.
    package func missing(from evidence: RecordedEvidence) -> [ReleaseCondition] {
        conditions.filter { evidence[$0] == nil }
    }

    /// Releases the tranche when it waits and every condition is met, in whatever order the evidence came; otherwise
    /// nil.
    package mutating func release(on evidence: RecordedEvidence) -> Transfer? {
        guard state == .opened, missing(from: evidence).isEmpty else { return nil }
        state = .released
        return .release(tranche: id, agreement: agreement, amountCents)
    }

    /// The conditions that released the tranche and are met no more, in its order: nothing may be ordered on it,
    /// approved or executed meanwhile. What is paid is paid.
    package func lost(from evidence: RecordedEvidence) -> [ReleaseCondition] {
        state == .released || state == .paid ? missing(from: evidence) : []
    }

    /// The bank paid it.
    mutating func settle() { state = .paid }

    /// The agreement ended.
    /// - Returns: false when it is paid, and stays so.
    mutating func cancel() -> Bool {
        guard state != .paid else { return false }
        state = .cancelled
        return true
    }
}
