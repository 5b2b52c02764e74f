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

/// One instalment of an agreement.
package struct Tranche: Sendable, Equatable {
    package let id: UUID
    package let agreement: UUID
    package let grant: UUID
    /// From 1.
    package let number: Int
    package private(set) var amountCents: Int64
    package let conditions: [ReleaseCondition]
    /// What of it each beneficiary gets; they add up to the amount.
    package private(set) var parts: [TranchePart]
    package private(set) var state: TrancheState

    package init(
        id: UUID, agreement: UUID, grant: UUID, number: Int, amountCents: Int64, conditions: [ReleaseCondition],
        parts: [TranchePart], state: TrancheState = .planned
    ) {
        self.id = id
        self.agreement = agreement
        self.grant = grant
        self.number = number
        self.amountCents = amountCents
        self.conditions = conditions
        self.parts = parts
        self.state = state
    }

    /// The same instalment of another amount, or otherwise divided.
    mutating func adjust(to parts: [TranchePart]) {
        self.parts = parts
        amountCents = parts.reduce(0) { $0 + $1.cents }
    }

    mutating func open() { state = .opened }

    /// The conditions without evidence, in the tranche's order.
    package func missing(from evidence: RecordedEvidence) -> [ReleaseCondition] {
        conditions.filter { !evidence.meets($0) }
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

    /// The bank paid a beneficiary's part; with the last of them the tranche is paid.
    mutating func settle(partOf line: UUID) {
        parts = parts.map { $0.line == line ? TranchePart(line: line, cents: $0.cents, isPaid: true) : $0 }
        if parts.allSatisfy(\.isPaid) { state = .paid }
    }

    /// What the bank has not paid of it.
    package var unpaidCents: Int64 { parts.reduce(0) { $1.isPaid ? $0 : $0 + $1.cents } }

    /// The agreement ended: what is not paid of it will not be. Of one that was paid in part, that part stays.
    /// - Returns: false when it is paid, and stays so.
    mutating func cancel() -> Bool {
        guard state != .paid else { return false }
        let paid = parts.filter(\.isPaid)
        guard !paid.isEmpty else {
            state = .cancelled
            return true
        }
        adjust(to: paid)
        state = .paid
        return true
    }
}
