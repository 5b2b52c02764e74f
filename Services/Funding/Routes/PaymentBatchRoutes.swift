import BankMessages
import CofundingRules
import Events
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import NIOCore

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Files for the bank, and what the bank says.
struct PaymentBatchRoutes: Sendable {
    /// nil where no account is configured.
    let batches: PaymentBatchStore?
    let bank: BankMessageStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/payment-batches").get(use: list).post(use: make).get("{id}", use: show)
            .get("{id}/document", use: document)
        router.post("/v1/bank-messages", use: receive)
    }

    private struct MakeBatch: Decodable {
        let executionDay: String
    }

    @Sendable private func make(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(MakeBatch.self)
        let day = try CalendarDay.read(body.executionDay, at: "/executionDay")
        let batches = try configured()
        return try await command.run(on: commands.pool) { transaction in
            let (batch, leftOut) = try await batches.make(
                executionDay: day, commands.context(context), in: transaction)
            guard let batch else {
                throw Problem.conflict(
                    "nothing-to-send", "No payment can be sent",
                    detail: leftOut.isEmpty
                        ? "none is approved and not sent yet"
                        : leftOut.map { "\($0.payment.lowercase): \($0.slug)" }.joined(separator: ", "))
            }
            let view = BatchView(batch, leftOut: leftOut)
            return try CommandResponse.created(view, at: "/v1/payment-batches/\(view.id)", version: 1)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<BatchView> {
        _ = try context.require(.payingOfficer, .operator)
        let page = try request.page()
        let found = try await configured().list(
            after: try Reading.after(page), limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, id: \.id) { BatchView($0, leftOut: []) }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer, .operator)
        let batch = try await configured().find(try context.uuid("id"), in: commands.pool)
        return try JSONResponse(BatchView(batch, leftOut: []), version: 1).response()
    }

    @Sendable private func document(_ request: Request, _ context: MaillageContext) async throws -> Response {
        // It holds bank details: for those who send it.
        _ = try context.require(.payingOfficer)
        let document = try await configured().document(of: try context.uuid("id"), in: commands.pool)
        var headers = HTTPFields()
        headers[.contentType] = "application/xml"
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: document)))
    }

    @Sendable private func receive(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.payingOfficer)
        guard request.headers[.contentType]?.hasPrefix("application/xml") == true else {
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type", "The body must be XML",
                detail: "a pain.002 or camt.054"
            ).mending("Send the bank's file as it is, with Content-Type: application/xml.")
        }
        let command = try await IdempotentCommand(request, context)
        return try await command.run(on: commands.pool) { transaction in
            let outcomes = try await bank.take(command.body, commands.context(context), in: transaction)
            return try CommandResponse.ok(BankMessageView(transactions: outcomes.map { OutcomeView($0) }))
        }
    }

    private func configured() throws(Problem) -> PaymentBatchStore {
        guard let batches else {
            throw Problem.conflict(
                "debtor-not-configured", "No account to pay from is configured"
            ).mending("Have an operator set MAILLAGE_FUNDING_DEBTOR_NAME and MAILLAGE_FUNDING_DEBTOR_IBAN.")
        }
        return batches
    }
}

/// Payments that went to the bank together.
struct BatchView: Encodable, Sendable {
    struct LeftOut: Encodable, Sendable {
        let payment: String
        let reason: String
    }

    let id: String
    let messageID: String
    let executionDay: String
    let paymentCount: Int
    let totalCents: Int64
    let madeBy: String
    let madeAt: Date
    /// Approved, and not in it: why. Told once, when it is made.
    let leftOut: [LeftOut]

    init(_ batch: PaymentBatchStore.Batch, leftOut: [PaymentBatchStore.LeftOut]) {
        id = batch.id.lowercase
        messageID = batch.messageID
        executionDay = batch.executionDay
        paymentCount = batch.paymentCount
        totalCents = batch.totalCents
        madeBy = batch.madeBy
        madeAt = batch.madeAt
        self.leftOut = leftOut.map { LeftOut(payment: $0.payment.lowercase, reason: $0.slug) }
    }
}

struct BankMessageView: Encodable, Sendable {
    let transactions: [OutcomeView]
}

/// What became of one transaction that the bank told of.
struct OutcomeView: Encodable, Sendable {
    let reference: String
    let payment: String?
    let result: String
    let reason: String?

    init(_ outcome: BankMessageStore.Outcome) {
        reference = outcome.reference
        payment = outcome.payment?.lowercase
        result = outcome.result.rawValue
        reason = outcome.reason
    }
}

extension BankMessagesError: ProblemConvertible {
    var problem: Problem {
        Problem(.unprocessableContent, slug, "The bank's message cannot be taken", detail: description)
    }
}
