package import FoundationEssentials

/// An agreement does not release or pay anything for now.
package struct AgreementSuspended: EventPayload {
    package static let type = EventType(.funding, "agreement", "suspended")
    package var agreement: UUID
    package var suspendedAt: Date

    package init(agreement: UUID, suspendedAt: Date) {
        self.agreement = agreement
        self.suspendedAt = suspendedAt
    }
}

/// A suspended agreement goes on.
package struct AgreementResumed: EventPayload {
    package static let type = EventType(.funding, "agreement", "resumed")
    package var agreement: UUID
    package var resumedAt: Date

    package init(agreement: UUID, resumedAt: Date) {
        self.agreement = agreement
        self.resumedAt = resumedAt
    }
}

/// An agreement ended before its time; what was bound and not paid is the envelope's again.
package struct AgreementTerminated: EventPayload {
    package static let type = EventType(.funding, "agreement", "terminated")
    package var agreement: UUID
    package var grant: UUID
    package var envelope: UUID
    /// Given back.
    package var amountCents: Int64
    package var terminatedAt: Date

    package init(agreement: UUID, grant: UUID, envelope: UUID, amountCents: Int64, terminatedAt: Date) {
        self.agreement = agreement
        self.grant = grant
        self.envelope = envelope
        self.amountCents = amountCents
        self.terminatedAt = terminatedAt
    }
}

/// A tranche will not be paid, since its agreement ended.
package struct TrancheCancelled: EventPayload {
    package static let type = EventType(.funding, "tranche", "cancelled")
    package var tranche: UUID
    package var agreement: UUID
    package var number: Int
    package var amountCents: Int64
    /// Whether it had been released.
    package var wasReleased: Bool

    package init(tranche: UUID, agreement: UUID, number: Int, amountCents: Int64, wasReleased: Bool) {
        self.tranche = tranche
        self.agreement = agreement
        self.number = number
        self.amountCents = amountCents
        self.wasReleased = wasReleased
    }
}

/// Evidence that a released or paid tranche rests on is there no more: nothing of it is paid until it is.
package struct TrancheHeld: EventPayload {
    package static let type = EventType(.funding, "tranche", "held")
    package var tranche: UUID
    package var agreement: UUID
    package var number: Int
    package var amountCents: Int64
    package var lost: [EvidenceKind]
    /// The event that took the evidence.
    package var cause: UUID

    package init(
        tranche: UUID, agreement: UUID, number: Int, amountCents: Int64, lost: [EvidenceKind], cause: UUID
    ) {
        self.tranche = tranche
        self.agreement = agreement
        self.number = number
        self.amountCents = amountCents
        self.lost = lost
        self.cause = cause
    }
}

/// The evidence of a held tranche stands again.
package struct TrancheResumed: EventPayload {
    package static let type = EventType(.funding, "tranche", "resumed")
    package var tranche: UUID
    package var agreement: UUID
    package var number: Int
    /// The event that brought the evidence back.
    package var cause: UUID

    package init(tranche: UUID, agreement: UUID, number: Int, cause: UUID) {
        self.tranche = tranche
        self.agreement = agreement
        self.number = number
        self.cause = cause
    }
}

/// A payment was not executed by the bank.
package struct PaymentRejected: EventPayload {
    package static let type = EventType(.funding, "payment", "rejected")
    package var payment: UUID
    package var tranche: UUID
    package var agreement: UUID
    package var amountCents: Int64

    package init(payment: UUID, tranche: UUID, agreement: UUID, amountCents: Int64) {
        self.payment = payment
        self.tranche = tranche
        self.agreement = agreement
        self.amountCents = amountCents
    }
}

/// A payment was taken back before the bank had it.
package struct PaymentCancelled: EventPayload {
    package static let type = EventType(.funding, "payment", "cancelled")
    package var payment: UUID
    package var tranche: UUID
    package var agreement: UUID
    package var amountCents: Int64

    package init(payment: UUID, tranche: UUID, agreement: UUID, amountCents: Int64) {
        self.payment = payment
        self.tranche = tranche
        self.agreement = agreement
        self.amountCents = amountCents
    }
}

/// Paid money is found to be due back; nobody has decided yet.
package struct RecoveryProposed: EventPayload {
    package static let type = EventType(.funding, "recovery", "proposed")
    package var recovery: UUID
    package var payment: UUID
    package var tranche: UUID
    package var agreement: UUID
    package var amountCents: Int64
    /// The event that took the evidence; absent when an operator proposed it.
    package var cause: UUID?

    package init(
        recovery: UUID, payment: UUID, tranche: UUID, agreement: UUID, amountCents: Int64, cause: UUID?
    ) {
        self.recovery = recovery
        self.payment = payment
        self.tranche = tranche
        self.agreement = agreement
        self.amountCents = amountCents
        self.cause = cause
    }
}

/// A proposal is off: the evidence stands again, or nobody wants it.
package struct RecoveryWithdrawn: EventPayload {
    package static let type = EventType(.funding, "recovery", "withdrawn")
    package var recovery: UUID
    package var agreement: UUID
    package var amountCents: Int64

    package init(recovery: UUID, agreement: UUID, amountCents: Int64) {
        self.recovery = recovery
        self.agreement = agreement
        self.amountCents = amountCents
    }
}

/// A beneficiary owes paid money.
package struct RecoveryOrdered: EventPayload {
    package static let type = EventType(.funding, "recovery", "ordered")
    package var recovery: UUID
    package var agreement: UUID
    package var amountCents: Int64

    package init(recovery: UUID, agreement: UUID, amountCents: Int64) {
        self.recovery = recovery
        self.agreement = agreement
        self.amountCents = amountCents
    }
}

/// An instalment of a recovery came in, and is the envelope's again.
package struct RecoveryReceived: EventPayload {
    package static let type = EventType(.funding, "recovery", "received")
    package var recovery: UUID
    package var agreement: UUID
    package var envelope: UUID
    package var amountCents: Int64
    package var openCents: Int64

    package init(recovery: UUID, agreement: UUID, envelope: UUID, amountCents: Int64, openCents: Int64) {
        self.recovery = recovery
        self.agreement = agreement
        self.envelope = envelope
        self.amountCents = amountCents
        self.openCents = openCents
    }
}

/// What had not come in of a recovery is given up.
package struct RecoveryWaived: EventPayload {
    package static let type = EventType(.funding, "recovery", "waived")
    package var recovery: UUID
    package var agreement: UUID
    package var amountCents: Int64

    package init(recovery: UUID, agreement: UUID, amountCents: Int64) {
        self.recovery = recovery
        self.agreement = agreement
        self.amountCents = amountCents
    }
}

/// Nothing of a recovery is open any more.
package struct RecoverySettled: EventPayload {
    package static let type = EventType(.funding, "recovery", "settled")
    package var recovery: UUID
    package var agreement: UUID
    package var receivedCents: Int64
    package var waivedCents: Int64

    package init(recovery: UUID, agreement: UUID, receivedCents: Int64, waivedCents: Int64) {
        self.recovery = recovery
        self.agreement = agreement
        self.receivedCents = receivedCents
        self.waivedCents = waivedCents
    }
}
