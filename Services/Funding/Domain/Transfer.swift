package import struct FoundationEssentials.UUID

/// Where money can lie. A grant's money moves down this list and never jumps a step; since no balance but the budget's
/// may be negative, paid ≤ released ≤ committed ≤ reserved ≤ envelope holds whatever the commands are.
package enum LedgerAccount: Hashable, Sendable {
    /// The State's budget that envelopes are opened from; the only account that may be overdrawn.
    case budget
    /// What is left of an envelope.
    case available(envelope: UUID)
    /// Set aside for a beneficiary.
    case reserved(grant: UUID)
    /// Bound by a signed agreement.
    case committed(grant: UUID)
    /// May be paid.
    case released(grant: UUID)
    /// Paid by the bank.
    case paid(grant: UUID)

    /// The names of the cases, as the ledger and the events write them.
    package static let classes = ["budget", "available", "reserved", "committed", "released", "paid"]
}

/// One entry of the double-entry ledger: the amount leaves one account and reaches the other, or neither happens.
package struct Transfer: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        case open, reserve, commit, release, pay
    }

    package let reason: Reason
    package let debit: LedgerAccount
    package let credit: LedgerAccount
    /// Above 0.
    package let cents: Int64
    /// Unique in the ledger: whatever happens twice is booked once.
    package let commandID: String

    private init(
        _ reason: Reason, of subject: UUID, _ cents: Int64, from debit: LedgerAccount, to credit: LedgerAccount
    ) {
        self.reason = reason
        self.debit = debit
        self.credit = credit
        self.cents = cents
        self.commandID = "\(reason.rawValue):\(subject.uuidString.lowercased())"
    }

    static func open(_ envelope: Envelope) -> Transfer {
        Transfer(
            .open, of: envelope.id, envelope.amountCents, from: .budget, to: .available(envelope: envelope.id))
    }

    static func reserve(grant: UUID, of envelope: UUID, _ cents: Int64) -> Transfer {
        Transfer(.reserve, of: grant, cents, from: .available(envelope: envelope), to: .reserved(grant: grant))
    }

    static func commit(agreement: UUID, grant: UUID, _ cents: Int64) -> Transfer {
        Transfer(.commit, of: agreement, cents, from: .reserved(grant: grant), to: .committed(grant: grant))
    }

    static func release(tranche: UUID, grant: UUID, _ cents: Int64) -> Transfer {
        Transfer(.release, of: tranche, cents, from: .committed(grant: grant), to: .released(grant: grant))
    }

    static func pay(payment: UUID, grant: UUID, _ cents: Int64) -> Transfer {
        Transfer(.pay, of: payment, cents, from: .released(grant: grant), to: .paid(grant: grant))
    }
}
