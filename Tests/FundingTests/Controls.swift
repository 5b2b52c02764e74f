import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

/// Sensible examples of what funding hears and is told; a test names only what it is about.
enum Controls {
    static let siren = "200034528"
    static let iban = "FR1420041010050500013M02606"

    static func member(_ structureType: String = "etablissement_sante_public") -> ConsortiumMember {
        ConsortiumMember(siren: siren, structureType: structureType, sector: "sanitaire")
    }

    static func call(
        _ call: UUID, animationCents: Int64 = 2_900_000_000, experimentsCents: Int64 = 3_000_000_000
    )
        -> CallPublished
    {
        let day = Date(timeIntervalSince1970: 1_770_000_000)
        return CallPublished(
            call: call, wave: 1, title: "Vague 1", opensAt: day, deadline: day, graceUntil: day, placesTarget: 10,
            animationEnvelopeCents: animationCents, experimentsEnvelopeCents: experimentsCents)
    }

    static func decision(
        _ application: UUID, call: UUID, rank: Int?, outcome: SelectionOutcome = .funded,
        requestedCents: Int64 = 100_000_000, structureType: String = "etablissement_sante_public"
    ) -> ApplicationDecided {
        ApplicationDecided(
            application: application, call: call, outcome: outcome, rank: rank, lead: member(structureType),
            partners: [member("esms")], animationBudgetCents: requestedCents * 2, requestedCents: requestedCents,
            decidedAt: Date(timeIntervalSince1970: 1_772_442_000))
    }

    static func request(
        _ experiment: UUID, under agreement: AgreementAnswer, requestedCents: Int64 = 20_000_000
    )
        -> CofundingRequested
    {
        CofundingRequested(
            experiment: experiment, site: UUID(), agreement: agreement.id, application: agreement.application,
            call: agreement.call, siren: siren, budgetCents: requestedCents * 2, requestedCents: requestedCents)
    }

    static func milestone(
        _ experiment: UUID, _ name: String = "first-100", version: Int = 1
    ) -> MilestoneReached {
        MilestoneReached(
            experiment: experiment, milestone: name, responsesCountMin: 100, responsesCount: 100,
            reachedAt: Date(timeIntervalSince1970: 1_772_442_000), version: version)
    }

    static func lost(_ experiment: UUID, _ name: String = "first-100", version: Int = 2) -> MilestoneLost {
        MilestoneLost(
            experiment: experiment, milestone: name, responsesCountMin: 100, responsesCount: 99,
            lostAt: Date(timeIntervalSince1970: 1_772_442_100), version: version)
    }

    static func siteOpened(_ agreement: AgreementAnswer) -> SiteOpened {
        SiteOpened(
            site: UUID(), agreement: agreement.id, application: agreement.application, call: agreement.call,
            siren: siren, openedAt: Date(timeIntervalSince1970: 1_772_442_000))
    }

    static func registered(_ experiment: UUID, under agreement: UUID) -> ExperimentRegistered {
        ExperimentRegistered(
            experiment: experiment, site: UUID(), agreement: agreement, solution: UUID(), budgetCents: 40_000_000,
            participantsTarget: 100)
    }

    static func completed(_ experiment: UUID, under agreement: UUID) -> ExperimentCompleted {
        ExperimentCompleted(
            experiment: experiment, site: UUID(), agreement: agreement, participantsCount: 100,
            completedAt: Date(timeIntervalSince1970: 1_772_442_000))
    }
}

// MARK: Answers, as a client reads them

struct EnvelopeAnswer: Decodable, Equatable {
    let id: UUID
    let version: Int64
    let state: String
    let call: UUID
    let kind: String
    let amountCents: Int64
    let heldCents: Int64
    let reservedCents: Int64
    let committedCents: Int64
    let releasedCents: Int64
    let paidCents: Int64
    let availableCents: Int64

    /// Amount, reserved, committed, released, paid.
    var money: [Int64] { [amountCents, reservedCents, committedCents, releasedCents, paidCents] }
}

struct GrantAnswer: Decodable {
    let id: UUID
    let state: String
    let kind: String
    let application: UUID
    let experiment: UUID?
    let reservedCents: Int64
    let bindingRule: String?
    let derivation: [AppliedRule]
    let stateAidRules: String?
    let grantedOn: String?
    let reason: String?
}

struct TrancheAnswer: Decodable {
    struct EvidenceAnswer: Decodable {
        let condition: String
        let event: UUID
    }

    let id: UUID
    let version: Int64
    let state: String
    let number: Int
    let amountCents: Int64
    let conditions: [String]
    let missing: [String]
    let evidenceLost: [String]
    let evidence: [EvidenceAnswer]
    let parts: [PartAnswer]

    struct PartAnswer: Decodable, Equatable {
        let siren: String
        let amountCents: Int64
        let isPaid: Bool
    }
}

struct AgreementAnswer: Decodable {
    struct PaymentAnswer: Decodable {
        let id: UUID
        let state: String
    }

    let id: UUID
    let version: Int64
    let state: String
    let grant: UUID
    let call: UUID
    let application: UUID
    let grantedCents: Int64
    let tranches: [TrancheAnswer]
    let payments: [PaymentAnswer]
}

struct StatementAnswer: Decodable {
    let id: UUID
    let version: Int64
    let state: String
    let siren: String
    let number: Int
    let periodFrom: String
    let periodUntil: String
    let dueOn: String
    let declaredCents: Int64
    let eligibleCents: Int64
}

struct PaymentAnswer: Decodable {
    let id: UUID
    let version: Int64
    let state: String
    let amountCents: Int64
    let netCents: Int64
    let needsSecondApproval: Bool
    let firstApprovedBy: String?
    let ibanMasked: String
    let orderedBy: String
    let approvedBy: String?
    let bankReference: String?
}

struct PageAnswer<Item: Decodable>: Decodable {
    let items: [Item]
    let next: String?
}
