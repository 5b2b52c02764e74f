import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date

/// Tranches, why each is released or not, and the orders to pay them.
struct TrancheRoutes: Sendable {
    let tranches: TrancheStore
    let payments: PaymentStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/tranches/{id}").get(use: show).get("why", use: why).post("payments", use: order)
    }

    private struct OrderPayment: Decodable {
        let creditorName: String
        let iban: String
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let view = TrancheView(
            try await tranches.standing(of: try context.uuid("id"), visibleTo: siren, in: commands.pool))
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
        let creditor = PaymentStore.Creditor(name: body.creditorName, iban: body.iban)
        return try await command.run(on: commands.pool) { transaction in
            let view = PaymentView(
                try await payments.order(tranche: id, to: creditor, commands.context(context), in: transaction))
            return try CommandResponse.created(view, at: "/v1/payments/\(view.id)", version: view.version)
        }
    }
}

struct TrancheView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let agreement: String
    /// From 1.
    let number: Int
    let amountCents: Int64
    let conditions: [String]
    let missing: [String]
    /// What released it and is met no more; nothing can be ordered meanwhile. Of a paid tranche: what it was paid for.
    let evidenceLost: [String]
    let evidence: [EvidenceView]
    let releasedAt: Date?

    init(_ standing: TrancheStore.Standing) {
        let tranche = standing.tranche.value
        id = tranche.id.lowercase
        version = standing.tranche.version
        state = tranche.state.rawValue
        agreement = tranche.agreement.lowercase
        number = tranche.number
        amountCents = tranche.amountCents
        conditions = tranche.conditions.map(\.rawValue)
        missing = tranche.missing(from: standing.recorded).map(\.rawValue)
        evidenceLost = standing.lost.map(\.rawValue)
        evidence = standing.evidence.map { EvidenceView($0) }
        releasedAt = standing.releasedAt
    }
}

/// The event that met a condition, and what it is about.
struct EvidenceView: Encodable, Sendable {
    let condition: String
    let event: String
    let subject: String
    let occurredAt: Date

    init(_ record: TrancheStore.EvidenceRecord) {
        condition = record.condition.rawValue
        event = record.event.lowercase
        subject = record.subject
        occurredAt = record.occurredAt
    }
}

/// The event that took evidence of a tranche.
struct HoldView: Encodable, Sendable {
    let condition: String
    let event: String
    let heldAt: Date

    init(_ hold: TrancheStore.Hold) {
        condition = hold.condition.rawValue
        event = hold.event.lowercase
        heldAt = hold.heldAt
    }
}

/// Why a tranche may be paid, or what it still waits for.
struct WhyView: Encodable, Sendable {
    struct ConditionView: Encodable, Sendable {
        let condition: String
        let isMet: Bool
        /// The first event that met it.
        let evidence: EvidenceView?
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
            let record = standing.evidence.first { $0.condition == condition }
            return ConditionView(
                condition: condition.rawValue, isMet: record != nil, evidence: record.map { EvidenceView($0) })
        }
        holds = standing.holds.map { HoldView($0) }
        missing = tranche.missing(from: standing.recorded).map(\.rawValue)
        evidenceLost = standing.lost.map(\.rawValue)
    }
}
