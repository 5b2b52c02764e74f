import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity

/// What an agreement comes to on what was spent, and its end.
struct SettlementRoutes: Sendable {
    let settlements: SettlementStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/agreements/{id}/settlement").get(use: preview).post(use: settle)
    }

    private struct SettleAgreement: Decodable, Sendable {
        let reason: String
    }

    @Sendable private func preview(_ request: Request, _ context: MaillageContext) async throws -> SettlementView {
        let siren = try context.requireReader()
        let settlement = try await settlements.preview(
            of: try context.uuid("id"), visibleTo: siren, in: commands.pool)
        return SettlementView(settlement)
    }

    @Sendable private func settle(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, SettleAgreement.self) { body, transaction in
            let order = AgreementChanges.Order(agreement: id, expected: expected, reason: body.reason)
            let settled = try await settlements.settle(order, commands.context(context), in: transaction)
            return Versioned(value: AgreementSummary(settled), version: settled.version)
        }
    }
}

/// For each beneficiary `min(granted, rate × eligible)`; amounts in cents.
struct SettlementView: ResponseEncodable, Encodable, Sendable {
    struct Line: Encodable, Sendable {
        let siren: String
        let grantedCents: Int64
        let eligibleCents: Int64
        let dueCents: Int64
        let paidCents: Int64
        /// Of what was paid, what is claimed back already or came back.
        let claimedCents: Int64
        /// Still to be paid.
        let balanceCents: Int64
        /// Paid above what is due, and not claimed back yet.
        let excessCents: Int64
    }

    let lines: [Line]
    let balanceCents: Int64
    let excessCents: Int64

    init(_ settlement: Settlement) {
        lines = settlement.lines.map {
            Line(
                siren: $0.siren, grantedCents: $0.grantedCents, eligibleCents: $0.eligibleCents,
                dueCents: $0.dueCents, paidCents: $0.paidCents, claimedCents: $0.claimedCents,
                balanceCents: $0.balanceCents, excessCents: $0.excessCents)
        }
        balanceCents = settlement.balanceCents
        excessCents = settlement.excessCents
    }
}
