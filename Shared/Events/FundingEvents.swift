package import FoundationEssentials

/// The co-funding rules in force, as data: applications and experimentation compute with them what funding will
/// grant.
package struct RuleSetPublished: EventPayload {
    package static let type = EventType(.funding, "rule-set", "published")
    /// Name and version, such as `aap-tle-2022`.
    package var ruleSet: String
    package var validFrom: Date
    /// Share of the forecast budget, in 1/10,000.
    package var animationRateBasisPoints: Int
    /// Ceiling in cents per structure type.
    package var animationCeilingCents: [String: Int64]
    package var experimentRateBasisPoints: Int
    package var experimentCeilingCents: Int64
    /// Where the rules are published.
    package var source: String

    package init(
        ruleSet: String, validFrom: Date, animationRateBasisPoints: Int, animationCeilingCents: [String: Int64],
        experimentRateBasisPoints: Int, experimentCeilingCents: Int64, source: String
    ) {
        self.ruleSet = ruleSet
        self.validFrom = validFrom
        self.animationRateBasisPoints = animationRateBasisPoints
        self.animationCeilingCents = animationCeilingCents
        self.experimentRateBasisPoints = experimentRateBasisPoints
        self.experimentCeilingCents = experimentCeilingCents
        self.source = source
    }
}

/// The money of the whole programme; what of it is meant for which purpose, `programme.allotted` tells.
package struct ProgrammeOpened: EventPayload {
    package static let type = EventType(.funding, "programme", "opened")
    package var programme: UUID
    package var amountCents: Int64

    package init(programme: UUID, amountCents: Int64) {
        self.programme = programme
        self.amountCents = amountCents
    }
}

/// Money moved between what the programme has not allotted and one of its parts.
package struct ProgrammeAllotted: EventPayload {
    package static let type = EventType(.funding, "programme", "allotted")
    package var programme: UUID
    package var kind: EnvelopeKind
    /// To the part; below 0 back from it.
    package var changeCents: Int64

    package init(programme: UUID, kind: EnvelopeKind, changeCents: Int64) {
        self.programme = programme
        self.kind = kind
        self.changeCents = changeCents
    }
}

/// What an envelope pays for.
package enum EnvelopeKind: String, Codable, Sendable, CaseIterable {
    case animation
    case experiments
}

/// Money of a call became available for grants of one kind.
package struct EnvelopeOpened: EventPayload {
    package static let type = EventType(.funding, "envelope", "opened")
    package var envelope: UUID
    package var call: UUID
    package var kind: EnvelopeKind
    package var amountCents: Int64

    package init(envelope: UUID, call: UUID, kind: EnvelopeKind, amountCents: Int64) {
        self.envelope = envelope
        self.call = call
        self.kind = kind
        self.amountCents = amountCents
    }
}

/// An envelope was raised or lowered.
package struct EnvelopeAdjusted: EventPayload {
    package static let type = EventType(.funding, "envelope", "adjusted")
    package var envelope: UUID
    package var call: UUID
    package var kind: EnvelopeKind
    /// Below 0 when it was lowered.
    package var changeCents: Int64
    /// What the envelope comes to now.
    package var amountCents: Int64

    package init(envelope: UUID, call: UUID, kind: EnvelopeKind, changeCents: Int64, amountCents: Int64) {
        self.envelope = envelope
        self.call = call
        self.kind = kind
        self.changeCents = changeCents
        self.amountCents = amountCents
    }
}

/// An operator set money of an envelope aside by hand.
package struct ReservationMade: EventPayload {
    package static let type = EventType(.funding, "reservation", "made")
    package var reservation: UUID
    package var envelope: UUID
    package var call: UUID
    package var kind: EnvelopeKind
    package var beneficiarySiren: String
    package var amountCents: Int64

    package init(
        reservation: UUID, envelope: UUID, call: UUID, kind: EnvelopeKind, beneficiarySiren: String, amountCents: Int64
    ) {
        self.reservation = reservation
        self.envelope = envelope
        self.call = call
        self.kind = kind
        self.beneficiarySiren = beneficiarySiren
        self.amountCents = amountCents
    }
}

/// What was set aside by hand is the envelope's again.
package struct ReservationLetGo: EventPayload {
    package static let type = EventType(.funding, "reservation", "let-go")
    package var reservation: UUID
    package var envelope: UUID
    package var amountCents: Int64

    package init(reservation: UUID, envelope: UUID, amountCents: Int64) {
        self.reservation = reservation
        self.envelope = envelope
        self.amountCents = amountCents
    }
}

/// Money of an envelope is set aside for one beneficiary; nobody else can have it.
package struct GrantReserved: EventPayload {
    package static let type = EventType(.funding, "grant", "reserved")
    package var grant: UUID
    package var envelope: UUID
    package var call: UUID
    package var kind: EnvelopeKind
    package var application: UUID
    /// Set for the co-funding of an experiment.
    package var experiment: UUID?
    package var beneficiarySiren: String
    package var reservedCents: Int64
    package var ruleSet: String
    /// Slug of the rule that set the amount.
    package var bindingRule: String

    package init(
        grant: UUID, envelope: UUID, call: UUID, kind: EnvelopeKind, application: UUID, experiment: UUID?,
        beneficiarySiren: String, reservedCents: Int64, ruleSet: String, bindingRule: String
    ) {
        self.grant = grant
        self.envelope = envelope
        self.call = call
        self.kind = kind
        self.application = application
        self.experiment = experiment
        self.beneficiarySiren = beneficiarySiren
        self.reservedCents = reservedCents
        self.ruleSet = ruleSet
        self.bindingRule = bindingRule
    }
}

/// Money that was set aside for a grant is the envelope's again: nobody agreed on it.
package struct GrantReleased: EventPayload {
    package static let type = EventType(.funding, "grant", "released")
    package var grant: UUID
    package var envelope: UUID
    package var call: UUID
    package var kind: EnvelopeKind
    package var application: UUID
    /// Set for the co-funding of an experiment.
    package var experiment: UUID?
    package var amountCents: Int64

    package init(
        grant: UUID, envelope: UUID, call: UUID, kind: EnvelopeKind, application: UUID, experiment: UUID?,
        amountCents: Int64
    ) {
        self.grant = grant
        self.envelope = envelope
        self.call = call
        self.kind = kind
        self.application = application
        self.experiment = experiment
        self.amountCents = amountCents
    }
}

/// No money could be set aside, and why.
package struct GrantRefused: EventPayload {
    package static let type = EventType(.funding, "grant", "refused")
    package var grant: UUID
    package var call: UUID
    package var kind: EnvelopeKind
    package var application: UUID
    package var experiment: UUID?
    package var requestedCents: Int64
    /// Slug: `envelope-exhausted` or the rule that refused.
    package var reason: String

    package init(
        grant: UUID, call: UUID, kind: EnvelopeKind, application: UUID, experiment: UUID?, requestedCents: Int64,
        reason: String
    ) {
        self.grant = grant
        self.call = call
        self.kind = kind
        self.application = application
        self.experiment = experiment
        self.requestedCents = requestedCents
        self.reason = reason
    }
}

/// One step of a co-funding result: what the rule allowed, and whether it set the amount.
package struct AppliedRule: Codable, Sendable, Equatable {
    package var rule: String
    package var valueCents: Int64
    package var isBinding: Bool
    package var source: String

    package init(rule: String, valueCents: Int64, isBinding: Bool, source: String) {
        self.rule = rule
        self.valueCents = valueCents
        self.isBinding = isBinding
        self.source = source
    }
}

/// An experiment's co-funding, with the derivation of its amount.
package struct CofundingApproved: EventPayload {
    package static let type = EventType(.funding, "cofunding", "approved")
    package var experiment: UUID
    package var grant: UUID
    package var agreement: UUID
    package var budgetCents: Int64
    package var approvedCents: Int64
    package var ruleSet: String
    package var derivation: [AppliedRule]

    package init(
        experiment: UUID, grant: UUID, agreement: UUID, budgetCents: Int64, approvedCents: Int64, ruleSet: String,
        derivation: [AppliedRule]
    ) {
        self.experiment = experiment
        self.grant = grant
        self.agreement = agreement
        self.budgetCents = budgetCents
        self.approvedCents = approvedCents
        self.ruleSet = ruleSet
        self.derivation = derivation
    }
}

/// An experiment gets no co-funding, and why.
package struct CofundingRefused: EventPayload {
    package static let type = EventType(.funding, "cofunding", "refused")
    package var experiment: UUID
    package var agreement: UUID
    package var requestedCents: Int64
    package var reason: String

    package init(experiment: UUID, agreement: UUID, requestedCents: Int64, reason: String) {
        self.experiment = experiment
        self.agreement = agreement
        self.requestedCents = requestedCents
        self.reason = reason
    }
}

/// A tranche exists and waits for its evidence.
package struct TrancheOpened: EventPayload {
    package static let type = EventType(.funding, "tranche", "opened")
    package var tranche: UUID
    package var agreement: UUID
    package var number: Int
    package var amountCents: Int64
    package var conditions: [EvidenceKind]

    package init(tranche: UUID, agreement: UUID, number: Int, amountCents: Int64, conditions: [EvidenceKind]) {
        self.tranche = tranche
        self.agreement = agreement
        self.number = number
        self.amountCents = amountCents
        self.conditions = conditions
    }
}

/// The event that met a condition.
package struct Evidence: Codable, Sendable, Equatable {
    package var condition: EvidenceKind
    package var event: UUID

    package init(condition: EvidenceKind, event: UUID) {
        self.condition = condition
        self.event = event
    }
}

/// All evidence of a tranche is there: it may be paid.
package struct TrancheReleased: EventPayload {
    package static let type = EventType(.funding, "tranche", "released")
    package var tranche: UUID
    package var agreement: UUID
    package var number: Int
    package var amountCents: Int64
    package var evidence: [Evidence]
    package var releasedAt: Date

    package init(
        tranche: UUID, agreement: UUID, number: Int, amountCents: Int64, evidence: [Evidence], releasedAt: Date
    ) {
        self.tranche = tranche
        self.agreement = agreement
        self.number = number
        self.amountCents = amountCents
        self.evidence = evidence
        self.releasedAt = releasedAt
    }
}

/// One person ordered a payment; another has to approve it.
package struct PaymentOrdered: EventPayload {
    package static let type = EventType(.funding, "payment", "ordered")
    package var payment: UUID
    package var tranche: UUID
    package var agreement: UUID
    package var amountCents: Int64
    package var orderedAt: Date

    package init(payment: UUID, tranche: UUID, agreement: UUID, amountCents: Int64, orderedAt: Date) {
        self.payment = payment
        self.tranche = tranche
        self.agreement = agreement
        self.amountCents = amountCents
        self.orderedAt = orderedAt
    }
}

/// The bank executed a payment, once.
package struct PaymentExecuted: EventPayload {
    package static let type = EventType(.funding, "payment", "executed")
    package var payment: UUID
    package var tranche: UUID
    package var agreement: UUID
    package var amountCents: Int64
    /// The bank's own reference of the transfer.
    package var bankReference: String
    package var executedAt: Date

    package init(
        payment: UUID, tranche: UUID, agreement: UUID, amountCents: Int64, bankReference: String, executedAt: Date
    ) {
        self.payment = payment
        self.tranche = tranche
        self.agreement = agreement
        self.amountCents = amountCents
        self.bankReference = bankReference
        self.executedAt = executedAt
    }
}
