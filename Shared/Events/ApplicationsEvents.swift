package import FoundationEssentials

/// A legal entity of a consortium as the rules see it. Code lists: docs/architecture.md, "Structures".
package struct ConsortiumMember: Codable, Sendable, Equatable {
    /// Nine digits, checked by Luhn where it entered.
    package var siren: String
    package var structureType: String
    /// `sanitaire`, `medico_social` or `ville`; nil for members outside care.
    package var sector: String?

    package init(siren: String, structureType: String, sector: String?) {
        self.siren = siren
        self.structureType = structureType
        self.sector = sector
    }
}

/// A wave of the programme is open to applications.
package struct CallPublished: EventPayload {
    package static let type = EventType(.applications, "call", "published")
    package var call: UUID
    package var wave: Int
    package var title: String
    package var opensAt: Date
    /// The displayed deadline.
    package var deadline: Date
    /// The technical closing: replacements are taken until here, the last deposit wins.
    package var graceUntil: Date
    package var placesTarget: Int
    package var animationEnvelopeCents: Int64
    package var experimentsEnvelopeCents: Int64

    package init(
        call: UUID, wave: Int, title: String, opensAt: Date, deadline: Date, graceUntil: Date, placesTarget: Int,
        animationEnvelopeCents: Int64, experimentsEnvelopeCents: Int64
    ) {
        self.call = call
        self.wave = wave
        self.title = title
        self.opensAt = opensAt
        self.deadline = deadline
        self.graceUntil = graceUntil
        self.placesTarget = placesTarget
        self.animationEnvelopeCents = animationEnvelopeCents
        self.experimentsEnvelopeCents = experimentsEnvelopeCents
    }
}

/// A consortium deposited its application; `receipt` is the SHA-256 of the canonical content that it was shown.
package struct ApplicationSubmitted: EventPayload {
    package static let type = EventType(.applications, "application", "submitted")
    package var application: UUID
    package var call: UUID
    package var lead: ConsortiumMember
    package var partners: [ConsortiumMember]
    package var animationBudgetCents: Int64
    package var requestedCents: Int64
    package var receipt: String
    package var submittedAt: Date

    package init(
        application: UUID, call: UUID, lead: ConsortiumMember, partners: [ConsortiumMember],
        animationBudgetCents: Int64,
        requestedCents: Int64, receipt: String, submittedAt: Date
    ) {
        self.application = application
        self.call = call
        self.lead = lead
        self.partners = partners
        self.animationBudgetCents = animationBudgetCents
        self.requestedCents = requestedCents
        self.receipt = receipt
        self.submittedAt = submittedAt
    }
}

/// The operator checked the hard criteria. `reasons` are slugs, empty when eligible.
package struct ApplicationEligibilityDecided: EventPayload {
    package static let type = EventType(.applications, "application", "eligibility-decided")
    package var application: UUID
    package var call: UUID
    package var isEligible: Bool
    package var reasons: [String]

    package init(application: UUID, call: UUID, isEligible: Bool, reasons: [String]) {
        self.application = application
        self.call = call
        self.isEligible = isEligible
        self.reasons = reasons
    }
}

/// What the committee may propose and the State may decide.
package enum SelectionOutcome: String, Codable, Sendable, CaseIterable {
    case funded
    case reserve
    case rejected
}

/// The committee's reasoned opinion; it binds nobody until the State decides.
package struct ApplicationRecommended: EventPayload {
    package static let type = EventType(.applications, "application", "recommended")
    package var application: UUID
    package var call: UUID
    package var recommendation: SelectionOutcome
    /// From 1 within the call; nil when rejected.
    package var rank: Int?
    package var reviewCount: Int
    /// Mean of the reviews, 0 to 10,000 (hundredths of a point out of 100).
    package var meanScoreHundredths: Int

    package init(
        application: UUID, call: UUID, recommendation: SelectionOutcome, rank: Int?, reviewCount: Int,
        meanScoreHundredths: Int
    ) {
        self.application = application
        self.call = call
        self.recommendation = recommendation
        self.rank = rank
        self.reviewCount = reviewCount
        self.meanScoreHundredths = meanScoreHundredths
    }
}

/// The State's decision. It carries all that funding needs to reserve the grant.
package struct ApplicationDecided: EventPayload {
    package static let type = EventType(.applications, "application", "decided")
    package var application: UUID
    package var call: UUID
    package var outcome: SelectionOutcome
    /// From 1 within the call without gaps over funded and reserve; the envelope is allotted in this order. nil when
    /// rejected.
    package var rank: Int?
    package var lead: ConsortiumMember
    package var partners: [ConsortiumMember]
    package var animationBudgetCents: Int64
    package var requestedCents: Int64
    package var decidedAt: Date

    package init(
        application: UUID, call: UUID, outcome: SelectionOutcome, rank: Int?, lead: ConsortiumMember,
        partners: [ConsortiumMember], animationBudgetCents: Int64, requestedCents: Int64, decidedAt: Date
    ) {
        self.application = application
        self.call = call
        self.outcome = outcome
        self.rank = rank
        self.lead = lead
        self.partners = partners
        self.animationBudgetCents = animationBudgetCents
        self.requestedCents = requestedCents
        self.decidedAt = decidedAt
    }
}
