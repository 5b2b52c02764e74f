import BankMessages
import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Approved payments on their way to the bank, as files of ISO 20022.
struct PaymentBatchStore: Sendable {
    struct Batch: Sendable {
        let id: UUID
        let messageID: String
        let executionDay: String
        let paymentCount: Int
        let totalCents: Int64
        let madeBy: String
        let madeAt: Date
    }

    /// A payment that does not go, and why.
    struct LeftOut: Sendable {
        let payment: UUID
        let slug: String
    }

    /// What can be sent at once; the rest goes with the next batch.
    private static let paymentCountMax = PaymentInitiation.standardTransactionCountMax

    let payments: PaymentStore
    /// From whose account the bank pays.
    let debtor: AccountHolder

    /// Puts every approved payment that may go now into a file for the bank. What may not, since its evidence fell or
    /// its agreement is halted, stays where it is.
    /// - Returns: nil for the batch when there is nothing to send.
    func make(
        executionDay: CalendarDay, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> (batch: Batch?, leftOut: [LeftOut]) {
        let rows = try await session.query(
            """
            select id from payments where state = 'approved' and batch is null
            order by id limit \(Self.paymentCountMax)
            """)
        var (sent, leftOut): ([Payment], [LeftOut]) = ([], [])
        for row in rows {
            let id = try row.get("id", as: UUID.self)
            do {
                guard let payment = try await payments.sendable(id, in: session) else { continue }
                // Alone first: one that no bank takes must not keep the others back.
                _ = try initiation(of: [payment], messageID: Self.reference(id), executionDay, command)
                sent.append(payment)
            } catch let refusal as FundingError {
                leftOut.append(LeftOut(payment: id, slug: refusal.slug))
            } catch let fault as BankMessagesError {
                leftOut.append(LeftOut(payment: id, slug: fault.slug))
            }
        }
        guard !sent.isEmpty else { return (nil, leftOut) }
        let id = EventID.next()
        let messageID = Self.reference(id)
        let initiation = try initiation(of: sent, messageID: messageID, executionDay, command)
        try await session.query(
            """
            insert into payment_batches (id, message_id, execution_day, payment_count, total_cents, document, made_by,
                made_at)
            values (\(id), \(messageID), \(executionDay.description)::text::date, \(Int32(sent.count)),
                \(initiation.controlSumCents), \(initiation.xml()), \(command.actor), \(command.now))
            """)
        try await session.query(
            "update payments set batch = \(id), version = version + 1 where id = any(\(sent.map(\.id)))")
        return (try await find(id, in: session), leftOut)
    }

    private func initiation(
        of payments: [Payment], messageID: String, _ executionDay: CalendarDay, _ command: CommandContext
    ) throws(BankMessagesError) -> PaymentInitiation {
        try PaymentInitiation(
            messageID: messageID, createdAt: command.now, requestedExecutionDay: executionDay, debtor: debtor,
            transactions: payments.map { Self.transfer($0) }, transactionCountMax: Self.paymentCountMax)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Batch {
        let rows = try await session.query(
            """
            select id, message_id, execution_day::text as day, payment_count, total_cents, made_by, made_at
            from payment_batches where id = \(id)
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "payment batch") }
        return try Self.batch(row)
    }

    func list(after: UUID?, limit: Int, in session: some PostgresSession) async throws -> [Batch] {
        try await session.query(
            """
            select id, message_id, execution_day::text as day, payment_count, total_cents, made_by, made_at
            from payment_batches where \(after) is null or id > \(after) order by id limit \(limit)
            """
        ).map { try Self.batch($0) }
    }

    /// The file as the bank gets it, byte for byte the same each time.
    func document(of id: UUID, in session: some PostgresSession) async throws -> [UInt8] {
        let rows = try await session.query("select document from payment_batches where id = \(id)")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "payment batch") }
        return try row.get("document")
    }

    /// How a payment or a batch is called in messages: 32 hexadecimal digits.
    static func reference(_ id: UUID) -> String { id.lowercase.filter { $0 != "-" } }

    /// The payment or batch that a reference names; nil when it is none of ours.
    static func id(of reference: String) -> UUID? {
        guard reference.utf8.count == 32 else { return nil }
        var text = reference
        for offset in [20, 16, 12, 8] { text.insert("-", at: text.index(text.startIndex, offsetBy: offset)) }
        return UUID(uuidString: text)
    }

    private static func transfer(_ payment: Payment) -> CreditTransfer {
        let reference = reference(payment.id)
        return CreditTransfer(
            endToEndID: reference, instructionID: reference, amountCents: payment.netCents,
            creditor: AccountHolder(name: payment.creditorName, iban: payment.iban.electronicForm),
            remittance: "Convention \(payment.agreement.lowercase)")
    }

    private static func batch(_ row: PostgresRow) throws -> Batch {
        Batch(
            id: try row.get("id"), messageID: try row.get("message_id"), executionDay: try row.get("day"),
            paymentCount: try row.get("payment_count"), totalCents: try row.get("total_cents"),
            madeBy: try row.get("made_by"), madeAt: try row.get("made_at"))
    }
}
