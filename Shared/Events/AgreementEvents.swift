package import FoundationEssentials

/// What a tranche waits for.
package enum EvidenceKind: String, Codable, Sendable, CaseIterable {
    case agreementSigned = "agreement-signed"
    case siteOpened = "site-opened"
    case experimentStarted = "experiment-started"
    case responsesCollected = "responses-collected"
    case milestoneReached = "milestone-reached"
    case experimentCompleted = "experiment-completed"
    case siteReportAccepted = "site-report-accepted"
    case statementAccepted = "expense-statement-accepted"
    case evaluationPublished = "evaluation-published"
}

/// One instalment of an agreement and the evidence that releases it.
package struct TrancheTerms: Codable, Sendable, Equatable {
    package var tranche: UUID
    /// From 1.
    package var number: Int
    package var amountCents: Int64
    package var conditions: [EvidenceKind]

    package init(tranche: UUID, number: Int, amountCents: Int64, conditions: [EvidenceKind]) {
        self.tranche = tranche
        self.number = number
        self.amountCents = amountCents
        self.conditions = conditions
    }
}

/// The agreement (convention) binds both sides. The tranches add up to the grant, to the cent.
package struct AgreementSigned: EventPayload {
    package static let type = EventType(.funding, "agreement", "signed")
    package var agreement: UUID
    package var grant: UUID
    package var application: UUID
    package var call: UUID
    package var lead: ConsortiumMember
    package var partners: [ConsortiumMember]
    package var grantedCents: Int64
    package var tranches: [TrancheTerms]
    package var signedAt: Date

    package init(
        agreement: UUID, grant: UUID, application: UUID, call: UUID, lead: ConsortiumMember,
        partners: [ConsortiumMember], grantedCents: Int64, tranches: [TrancheTerms], signedAt: Date
    ) {
        self.agreement = agreement
        self.grant = grant
        self.application = application
        self.call = call
        self.lead = lead
        self.partners = partners
        self.grantedCents = grantedCents
        self.tranches = tranches
        self.signedAt = signedAt
    }
}

/// The agreement that pays for one experiment binds both sides.
package struct ExperimentAgreementSigned: EventPayload {
    package static let type = EventType(.funding, "experiment-agreement", "signed")
    package var agreement: UUID
    package var grant: UUID
    package var experiment: UUID
    package var application: UUID
    package var call: UUID
    /// Of the lead.
    package var siren: String
    package var grantedCents: Int64
    package var tranches: [TrancheTerms]
    package var signedAt: Date

    package init(
        agreement: UUID, grant: UUID, experiment: UUID, application: UUID, call: UUID, siren: String,
        grantedCents: Int64, tranches: [TrancheTerms], signedAt: Date
    ) {
        self.agreement = agreement
        self.grant = grant
        self.experiment = experiment
        self.application = application
        self.call = call
        self.siren = siren
        self.grantedCents = grantedCents
        self.tranches = tranches
        self.signedAt = signedAt
    }
}

/// A draft that nobody will sign; its grant can be agreed on anew.
package struct AgreementDiscarded: EventPayload {
    package static let type = EventType(.funding, "agreement", "discarded")
    package var agreement: UUID
    package var grant: UUID
    package var discardedAt: Date

    package init(agreement: UUID, grant: UUID, discardedAt: Date) {
        self.agreement = agreement
        self.grant = grant
        self.discardedAt = discardedAt
    }
}

/// What one beneficiary of an agreement gets.
package struct AgreementPart: Codable, Sendable, Equatable {
    package var siren: String
    package var partCents: Int64
    /// It is no partner any more, and keeps what it was paid.
    package var hasLeft: Bool

    package init(siren: String, partCents: Int64, hasLeft: Bool) {
        self.siren = siren
        self.partCents = partCents
        self.hasLeft = hasLeft
    }
}

/// Both sides signed a change of an agreement. Tranches of another amount are told by `tranche.adjusted`.
package struct AgreementAmended: EventPayload {
    package static let type = EventType(.funding, "agreement", "amended")
    package var agreement: UUID
    /// From 1.
    package var amendment: Int
    package var grant: UUID
    package var envelope: UUID
    /// Given back to the envelope; 0 where the grant stays.
    package var amountCents: Int64
    /// What the beneficiaries together get now.
    package var totalCents: Int64
    package var parts: [AgreementPart]
    package var amendedAt: Date

    package init(
        agreement: UUID, amendment: Int, grant: UUID, envelope: UUID, amountCents: Int64, totalCents: Int64,
        parts: [AgreementPart], amendedAt: Date
    ) {
        self.agreement = agreement
        self.amendment = amendment
        self.grant = grant
        self.envelope = envelope
        self.amountCents = amountCents
        self.totalCents = totalCents
        self.parts = parts
        self.amendedAt = amendedAt
    }
}

/// What one beneficiary of an agreement comes to in the end.
package struct SettledPart: Codable, Sendable, Equatable {
    package var siren: String
    package var partCents: Int64
    package var eligibleCents: Int64
    /// `min(part, rate × eligible)`.
    package var dueCents: Int64
    package var paidCents: Int64

    package init(siren: String, partCents: Int64, eligibleCents: Int64, dueCents: Int64, paidCents: Int64) {
        self.siren = siren
        self.partCents = partCents
        self.eligibleCents = eligibleCents
        self.dueCents = dueCents
        self.paidCents = paidCents
    }
}

/// An agreement came to its end on what was spent. What is still due is one tranche more; what was paid above it is
/// proposed for recovery.
package struct AgreementSettled: EventPayload {
    package static let type = EventType(.funding, "agreement", "settled")
    package var agreement: UUID
    package var grant: UUID
    package var envelope: UUID
    /// Given back to the envelope.
    package var amountCents: Int64
    package var parts: [SettledPart]
    package var settledAt: Date

    package init(
        agreement: UUID, grant: UUID, envelope: UUID, amountCents: Int64, parts: [SettledPart], settledAt: Date
    ) {
        self.agreement = agreement
        self.grant = grant
        self.envelope = envelope
        self.amountCents = amountCents
        self.parts = parts
        self.settledAt = settledAt
    }
}

/// A tranche that is not released yet is of another amount now.
package struct TrancheAdjusted: EventPayload {
    package static let type = EventType(.funding, "tranche", "adjusted")
    package var tranche: UUID
    package var agreement: UUID
    package var number: Int
    package var amountCents: Int64

    package init(tranche: UUID, agreement: UUID, number: Int, amountCents: Int64) {
        self.tranche = tranche
        self.agreement = agreement
        self.number = number
        self.amountCents = amountCents
    }
}

// MARK: Statements

/// A beneficiary stated what it has spent in a period. The subject is the statement.
package struct ExpenseStatementSubmitted: EventPayload {
    package static let type = EventType(.funding, "expense-statement", "submitted")
    package var statement: UUID
    package var agreement: UUID
    package var siren: String
    /// Of the beneficiary's periods, from 1.
    package var number: Int
    package var declaredCents: Int64
    /// Days of the calendar, `2026-01-31`.
    package var periodFrom: String
    package var periodUntil: String
    package var dueOn: String
    package var submittedAt: Date

    package init(
        statement: UUID, agreement: UUID, siren: String, number: Int, declaredCents: Int64, periodFrom: String,
        periodUntil: String, dueOn: String, submittedAt: Date
    ) {
        self.statement = statement
        self.agreement = agreement
        self.siren = siren
        self.number = number
        self.declaredCents = declaredCents
        self.periodFrom = periodFrom
        self.periodUntil = periodUntil
        self.dueOn = dueOn
        self.submittedAt = submittedAt
    }
}

/// A statement's costs are judged.
package struct ExpenseStatementAccepted: EventPayload {
    package static let type = EventType(.funding, "expense-statement", "accepted")
    package var statement: UUID
    package var agreement: UUID
    package var siren: String
    package var number: Int
    package var declaredCents: Int64
    package var eligibleCents: Int64
    package var acceptedAt: Date

    package init(
        statement: UUID, agreement: UUID, siren: String, number: Int, declaredCents: Int64, eligibleCents: Int64,
        acceptedAt: Date
    ) {
        self.statement = statement
        self.agreement = agreement
        self.siren = siren
        self.number = number
        self.declaredCents = declaredCents
        self.eligibleCents = eligibleCents
        self.acceptedAt = acceptedAt
    }
}

/// A statement was sent back, or taken up again after it was accepted.
package struct ExpenseStatementReopened: EventPayload {
    package static let type = EventType(.funding, "expense-statement", "reopened")
    package var statement: UUID
    package var agreement: UUID
    package var siren: String
    package var number: Int
    package var wasAccepted: Bool
    package var reopenedAt: Date

    package init(
        statement: UUID, agreement: UUID, siren: String, number: Int, wasAccepted: Bool, reopenedAt: Date
    ) {
        self.statement = statement
        self.agreement = agreement
        self.siren = siren
        self.number = number
        self.wasAccepted = wasAccepted
        self.reopenedAt = reopenedAt
    }
}

/// When a beneficiary is told of a statement that is not there yet.
package enum ReminderKind: String, Codable, Sendable, CaseIterable {
    case monthBefore = "month-before"
    case weekBefore = "week-before"
    case dueToday = "due-today"
    case overdue
}

/// A statement is due soon, today, or was: told once for each day that it is due.
package struct ExpenseStatementReminded: EventPayload {
    package static let type = EventType(.funding, "expense-statement", "reminded")
    package var statement: UUID
    package var agreement: UUID
    package var siren: String
    package var number: Int
    package var dueOn: String
    package var reminder: ReminderKind
    package var remindedAt: Date

    package init(
        statement: UUID, agreement: UUID, siren: String, number: Int, dueOn: String, reminder: ReminderKind,
        remindedAt: Date
    ) {
        self.statement = statement
        self.agreement = agreement
        self.siren = siren
        self.number = number
        self.dueOn = dueOn
        self.reminder = reminder
        self.remindedAt = remindedAt
    }
}
