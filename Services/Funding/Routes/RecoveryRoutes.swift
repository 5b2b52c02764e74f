import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// What was paid and is to come back: proposed by one, ordered by another, received in instalments.
struct RecoveryRoutes: Sendable {
    let recoveries: RecoveryStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.post("/v1/payments/{id}/recoveries", use: propose)
        router.group("/v1/recoveries/{id}").get(use: show).post("order", use: order).post("withdraw", use: withdraw)
            .post("receipts", use: receive).post("waive", use: waive)
    }

    private struct ProposeRecovery: Decodable {
        let amountCents: Int64
        let reason: String
    }

    private struct ReceiveInstalment: Decodable, Sendable {
        let amountCents: Int64
        let bankReference: String
    }

    @Sendable private func propose(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .payingOfficer)
        let payment = try context.uuid("id")
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(ProposeRecovery.self)
        return try await command.run(on: commands.pool) { transaction in
            let view = RecoveryView(
                try await recoveries.propose(
                    payment: payment, amountCents: body.amountCents, reason: body.reason, commands.context(context),
                    in: transaction))
            return try CommandResponse.created(view, at: "/v1/recoveries/\(view.id)", version: view.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let view = RecoveryView(
            try await recoveries.find(try context.uuid("id"), visibleTo: siren, in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func order(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await recoveries.order($0, expected: $1, $2, in: $3) }
    }

    @Sendable private func withdraw(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await recoveries.withdraw($0, expected: $1, $2, in: $3) }
    }

    @Sendable private func waive(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await recoveries.waive($0, expected: $1, $2, in: $3) }
    }

    @Sendable private func receive(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, ReceiveInstalment.self) { body, transaction in
            let received = try await recoveries.receive(
                id, .init(amountCents: body.amountCents, bankReference: body.bankReference), expected: expected,
                commands.context(context), in: transaction)
            return Versioned(value: RecoveryView(received), version: received.version)
        }
    }

    private typealias Standing = Versioned<RecoveryStore.Standing>

    private func change(
        _ request: Request, _ context: MaillageContext,
        _ apply: (UUID, Int64, CommandContext, PostgresTransaction) async throws -> Standing
    ) async throws -> Response {
        _ = try context.require(.payingOfficer)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context) { transaction in
            let changed = try await apply(id, expected, commands.context(context), transaction)
            return Versioned(value: RecoveryView(changed), version: changed.version)
        }
    }
}

/// A recovery; amounts in cents.
struct RecoveryView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let payment: String
    let tranche: String
    let agreement: String
    let amountCents: Int64
    let receivedCents: Int64
    let waivedCents: Int64
    let openCents: Int64
    /// Of what is open, what payments that are on their way take.
    let setOffCents: Int64
    let reason: String
    /// The event that took the evidence; absent when somebody proposed it.
    let cause: String?
    let proposedBy: String
    let proposedAt: Date
    let orderedBy: String?
    let orderedAt: Date?

    init(_ stored: Versioned<RecoveryStore.Standing>) {
        let (recovery, standing) = (stored.value.recovery, stored.value)
        id = recovery.id.lowercase
        version = stored.version
        state = recovery.state.rawValue
        payment = recovery.payment.lowercase
        tranche = recovery.tranche.lowercase
        agreement = recovery.agreement.lowercase
        amountCents = recovery.amountCents
        receivedCents = recovery.receivedCents
        waivedCents = recovery.waivedCents
        openCents = recovery.openCents
        setOffCents = standing.setOffCents
        reason = recovery.reason
        cause = standing.cause?.lowercase
        proposedBy = recovery.proposedBy
        proposedAt = standing.proposedAt
        orderedBy = standing.orderedBy
        orderedAt = standing.orderedAt
    }
}
