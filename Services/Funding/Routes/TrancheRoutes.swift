import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Tranches, why each is released or not, and the orders to pay them.
struct TrancheRoutes: Sendable {
    let tranches: TrancheStore
    let payments: PaymentStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/tranches/{id}").get(use: show).get("why", use: why).post("payments", use: order)
    }

    private struct OrderPayment: Decodable {
        struct Offset: Decodable {
            let recovery: UUID
            let amountCents: Int64
        }

        let creditorName: String
        let iban: String
        /// Of the beneficiary; the lead without it.
        let siren: String?
        /// What recoveries from it are set off.
        let offsets: [Offset]?

        var order: PaymentStore.Order {
            PaymentStore.Order(
                creditor: .init(name: creditorName, iban: iban), siren: siren,
                offsets: (offsets ?? []).map { PaymentOffset(recovery: $0.recovery, cents: $0.amountCents) })
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let standing = try await tranches.standing(of: try context.uuid("id"), visibleTo: siren, in: commands.pool)
        let agreement = standing.tranche.value.agreement
        let lines = try await AgreementContent.lines(of: [agreement], in: commands.pool)[agreement] ?? []
        let view = TrancheView(
            standing, sirens: Dictionary(uniqueKeysWithValues: lines.map { ($0.id, $0.siren) }))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func why(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let standing = try await tranches.standing(
            of: try context.uuid("id"), visibleTo: siren, in: commands.pool)
        return try JSONResponse(WhyView(standing), version: standing.tranche.version).response()
    }

    @Sendable private func order(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(OrderPayment.self)
        return try await command.run(on: commands.pool) { transaction in
            let view = PaymentView(
                try await payments.order(tranche: id, body.order, commands.context(context), in: transaction))
            return try CommandResponse.created(view, at: "/v1/payments/\(view.id)", version: view.version)
        }
    }
}

struct TrancheView: Encodable, Sendable {
    /// What of it one beneficiary gets.
    struct PartView: Encodable, Sendable {
        let siren: String
        let amountCents: Int64
        let isPaid: Bool
    }

    let id: String
    let version: Int64
    let state: String
    let agreement: String
    /// From 1.
    let number: Int
    let amountCents: Int64
    let parts: [PartView]
    /// Written `kind`, or `kind:count` where it takes more than one.
    let conditions: [String]
    let missing: [String]
    /// What released it and is met no more; nothing can be ordered meanwhile. Of a paid tranche: what it was paid for.
    let evidenceLost: [String]
    let evidence: [EvidenceView]
    let releasedAt: Date?

    /// - Parameter sirens: of the agreement's lines.
    init(_ standing: TrancheStore.Standing, sirens: [UUID: String]) {
        let tranche = standing.tranche.value
        id = tranche.id.lowercase
        version = standing.tranche.version
        state = tranche.state.rawValue
        agreement = tranche.agreement.lowercase
        number = tranche.number
        amountCents = tranche.amountCents
        parts = tranche.parts.map {
            PartView(siren: sirens[$0.line] ?? "", amountCents: $0.cents, isPaid: $0.isPaid)
        }
        conditions = tranche.conditions.map(\.text)
        missing = tranche.missing(from: standing.evidence).map(\.text)
        evidenceLost = standing.lost.map(\.text)
        evidence = tranche.conditions.flatMap { standing.evidence.proofs(of: $0) }.map { EvidenceView($0) }
        releasedAt = standing.releasedAt
    }
}

/// The event that met a condition, and what it is about.
struct EvidenceView: Encodable, Sendable {
    let condition: String
    let event: String
    let subject: String
    let occurredAt: Date

    init(_ fact: RecordedEvidence.Fact) {
        condition = fact.kind.rawValue
        event = fact.event.lowercase
        subject = fact.subject
        occurredAt = fact.occurredAt
    }
}

/// The event that took evidence of a tranche.
struct HoldView: Encodable, Sendable {
    let condition: String
    let event: String
    let heldAt: Date

    init(_ hold: TrancheStore.Hold) {
        condition = hold.condition
        event = hold.event.lowercase
        heldAt = hold.heldAt
    }
}

/// Why a tranche may be paid, or what it still waits for.
struct WhyView: Encodable, Sendable {
    struct ConditionView: Encodable, Sendable {
        let condition: String
        let isMet: Bool
        /// So much of it stands, and so much it takes.
        let count: Int
        let countNeeded: Int
        /// The first event that met it.
        let evidence: EvidenceView?
        /// All that meet it together.
        let proofs: [EvidenceView]
    }

    let id: String
    let version: Int64
    let state: String
    let isReleased: Bool
    /// Released, but nothing can be ordered since evidence was lost.
    let isHeld: Bool
    let conditions: [ConditionView]
    let missing: [String]
    let evidenceLost: [String]
    /// What took the evidence that is lost.
    let holds: [HoldView]

    init(_ standing: TrancheStore.Standing) {
        let tranche = standing.tranche.value
        id = tranche.id.lowercase
        version = standing.tranche.version
        state = tranche.state.rawValue
        isReleased = tranche.state == .released || tranche.state == .paid
        isHeld = tranche.state == .released && !standing.lost.isEmpty
        conditions = tranche.conditions.map { condition in
            let proofs = standing.evidence.proofs(of: condition).map { EvidenceView($0) }
            return ConditionView(
                condition: condition.text, isMet: !proofs.isEmpty, count: standing.evidence.count(of: condition.kind),
                countNeeded: condition.count, evidence: proofs.first, proofs: proofs)
        }
        holds = standing.holds.map { HoldView($0) }
        missing = tranche.missing(from: standing.evidence).map(\.text)
        evidenceLost = standing.lost.map(\.text)
    }
}
