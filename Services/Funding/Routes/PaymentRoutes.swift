import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Payments: approved by another person than the one who ordered, executed once.
struct PaymentRoutes: Sendable {
    let payments: PaymentStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/payments/{id}").get(use: show).post("approve", use: approve).post("execute", use: execute)
            .post("cancel", use: cancel).post("reject", use: reject)
    }

    private struct ExecutePayment: Decodable {
        let bankReference: String
    }

    private struct EndPayment: Decodable, Sendable {
        let reason: String
    }

    @Sendable private func cancel(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .payingOfficer)
        return try await end(request, context) { id, reason, expected, transaction in
            try await payments.cancel(
                id, reason: reason, expected: expected, commands.context(context), in: transaction)
        }
    }

    @Sendable private func reject(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer)
        return try await end(request, context) { id, reason, expected, transaction in
            try await payments.reject(
                id, reason: reason, expected: expected, commands.context(context), in: transaction)
        }
    }

    private func end(
        _ request: Request, _ context: MaillageContext,
        _ apply: (UUID, String, Int64, PostgresTransaction) async throws -> Versioned<PaymentStore.Standing>
    ) async throws -> Response {
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, EndPayment.self) { body, transaction in
            let ended = try await apply(id, body.reason, expected, transaction)
            return Versioned(value: PaymentView(ended), version: ended.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .payingOfficer)
        let view = PaymentView(try await payments.find(try context.uuid("id"), in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func approve(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context) { transaction in
            let approved = try await payments.approve(
                id, expected: expected, commands.context(context), in: transaction)
            return Versioned(value: PaymentView(approved), version: approved.version)
        }
    }

    @Sendable private func execute(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(ExecutePayment.self)
        return try await command.run(on: commands.pool) { transaction in
            let executed = try await payments.execute(
                id, bankReference: body.bankReference, expected: expected, commands.context(context),
                in: transaction)
            return try CommandResponse.ok(PaymentView(executed), version: executed.version)
        }
    }
}

/// A payment; of the bank details only what is enough to recognise them.
struct PaymentView: Encodable, Sendable {
    /// What a recovery takes of it.
    struct OffsetView: Encodable, Sendable {
        let recovery: String
        let amountCents: Int64
    }

    let id: String
    let version: Int64
    let state: String
    let tranche: String
    let agreement: String
    /// Of the beneficiary.
    let siren: String
    let amountCents: Int64
    /// What the bank pays: the amount less what recoveries are set off.
    let netCents: Int64
    let offsets: [OffsetView]
    let creditorName: String
    let ibanMasked: String
    let orderedBy: String
    let orderedAt: Date
    /// Two have to approve it.
    let needsSecondApproval: Bool
    let firstApprovedBy: String?
    let firstApprovedAt: Date?
    let approvedBy: String?
    let approvedAt: Date?
    let bankReference: String?
    let executedAt: Date?
    /// Why it was rejected or cancelled.
    let endReason: String?

    init(_ stored: Versioned<PaymentStore.Standing>) {
        let payment = stored.value.payment
        id = payment.id.lowercase
        version = stored.version
        state = payment.state.rawValue
        tranche = payment.tranche.lowercase
        agreement = payment.agreement.lowercase
        siren = stored.value.siren
        amountCents = payment.amountCents
        netCents = payment.netCents
        offsets = payment.offsets.map { OffsetView(recovery: $0.recovery.lowercase, amountCents: $0.cents) }
        creditorName = payment.creditorName
        ibanMasked = payment.iban.masked
        orderedBy = payment.orderedBy
        orderedAt = stored.value.orderedAt
        needsSecondApproval = payment.needsSecondApproval
        firstApprovedBy = payment.firstApprovedBy
        firstApprovedAt = stored.value.firstApprovedAt
        approvedBy = payment.approvedBy
        approvedAt = stored.value.approvedAt
        bankReference = payment.bankReference
        executedAt = stored.value.executedAt
        endReason = payment.endReason
    }
}
