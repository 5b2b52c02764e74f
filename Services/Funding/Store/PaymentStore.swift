import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Payments of tranches.
struct PaymentStore: Sendable {
    let tranches: TrancheStore

    /// To whom a payment goes, as the caller wrote it.
    struct Creditor: Sendable {
        let name: String
        let iban: String
    }

    /// A payment with when what happened to it.
    struct Standing: Sendable {
        var payment: Payment
        let orderedAt: Date
        let approvedAt: Date?
        let executedAt: Date?
    }

    func order(
        tranche id: UUID, to creditor: Creditor, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let standing = try await tranches.lockStanding(of: id, in: session)
        try standing.checkAgreement()
        let payment = try Payment.order(
            id: EventID.next(), of: (standing.tranche.value, standing.recorded),
            to: try await leadLine(of: standing.tranche.value.agreement, in: session),
            creditor: (creditor.name, creditor.iban), by: command.actor)
        let inserted = try await session.query(
            """
            insert into payments (id, tranche, line, amount_cents, state, creditor_name, iban, ordered_by, ordered_at)
            values (\(payment.id), \(id), \(payment.line), \(payment.amountCents), \(payment.state.rawValue),
                \(payment.creditorName),
                \(payment.iban.electronicForm), \(payment.orderedBy), \(command.now))
            on conflict (tranche) where state in ('ordered', 'approved', 'executed') do nothing
            """)
        guard inserted.affectedCount == 1 else { throw FundingError.paymentExists }
        let ordered = PaymentOrdered(
            payment: payment.id, tranche: id, agreement: payment.agreement, amountCents: payment.amountCents,
            orderedAt: command.now)
        try await EventLog.append([command.event(ordered, about: payment.id)], in: session)
        return try await find(payment.id, in: session)
    }

    /// The lead's part of an agreement: it is paid for all.
    private func leadLine(of agreement: UUID, in session: some PostgresSession) async throws -> UUID {
        let rows = try await session.query(
            "select id from agreement_lines where agreement = \(agreement) and position = 0")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "line of the agreement") }
        return try row.get("id")
    }

    func approve(
        _ id: UUID, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (stored, standing) = try await lock(id, in: session)
        try stored.check(expected)
        try standing.checkAgreement()
        var payment = stored.value.payment
        try payment.approve(by: command.actor, on: (standing.tranche.value, standing.recorded))
        try await session.query(
            """
            update payments set state = \(payment.state.rawValue), version = version + 1,
                approved_by = \(payment.approvedBy), approved_at = \(command.now)
            where id = \(id)
            """)
        return try await find(id, in: session)
    }

    /// Books the bank's execution; a repetition under the same bank reference changes nothing, whatever version it
    /// names.
    func execute(
        _ id: UUID, bankReference: String, expected: Int64, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (stored, standing) = try await lock(id, in: session)
        var payment = stored.value.payment
        let isRepetition = payment.state == .executed && payment.bankReference == bankReference
        if !isRepetition {
            try stored.check(expected)
            try standing.checkAgreement()
        }
        var tranche = standing.tranche.value
        let transfer = try payment.execute(
            bankReference: bankReference, tranche: &tranche, evidence: standing.recorded)
        guard let transfer else { return stored }
        _ = try await book(payment, tranche, transfer, command, in: session)
        return try await find(id, in: session)
    }

    /// Books an execution that the bank told of, whatever became of the evidence since the payment was sent: it is
    /// paid. What it was paid on and is lost by then is proposed for recovery.
    /// - Returns: false when it is booked already.
    func execute(
        told id: UUID, bankReference: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Bool {
        let (stored, standing) = try await lock(id, in: session)
        var payment = stored.value.payment
        var tranche = standing.tranche.value
        guard payment.isWithBank || payment.state != .approved else {
            throw FundingError.paymentNotApproved(payment.state)
        }
        guard let transfer = try payment.execute(bankReference: bankReference, tranche: &tranche, evidence: nil)
        else { return false }
        let executed = try await book(payment, tranche, transfer, command, in: session)
        if !standing.lost.isEmpty {
            try await tranches.recoveries.propose(
                tranche: tranche.id, lostBy: standing.holds.first?.event ?? executed,
                reason: "\(standing.lost.map(\.rawValue).joined(separator: ", ")) is met no more", command, in: session)
        }
        return true
    }

    /// - Returns: the event that tells it.
    private func book(
        _ payment: Payment, _ tranche: Tranche, _ transfer: Transfer, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> UUID {
        let executed = command.event(
            PaymentExecuted(
                payment: payment.id, tranche: tranche.id, agreement: tranche.agreement,
                amountCents: payment.amountCents, bankReference: payment.bankReference ?? "",
                executedAt: command.now),
            about: payment.id)
        try await save(executed: payment, command, in: session)
        try await tranches.save(paid: tranche, in: session)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: executed.id), in: session)
        try await EventLog.append([executed], in: session)
        return executed.id
    }

    /// A payment that may go to the bank now, locked; nil when somebody else was faster with it.
    /// - Throws: `FundingError` when its evidence fell or its agreement is halted.
    func sendable(_ id: UUID, in session: some PostgresSession) async throws -> Payment? {
        let (stored, standing) = try await lock(id, in: session)
        guard stored.value.payment.state == .approved, !stored.value.payment.isWithBank else { return nil }
        try standing.checkAgreement()
        if let lost = standing.lost.first { throw FundingError.evidenceLost(lost) }
        return stored.value.payment
    }

    /// Those that went to the bank together, in the order of their ids.
    func inBatch(_ batch: UUID, in session: some PostgresSession) async throws -> [UUID] {
        try await session.query("select id from payments where batch = \(batch) order by id").map {
            try $0.get("id")
        }
    }

    /// Takes a payment back before the bank has it.
    func cancel(
        _ id: UUID, reason: String, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (stored, _) = try await lock(id, in: session)
        try stored.check(expected)
        var payment = stored.value.payment
        try payment.cancel(because: reason)
        let cancelled = PaymentCancelled(
            payment: id, tranche: payment.tranche, agreement: payment.agreement, amountCents: payment.amountCents)
        try await save(ended: payment, command.event(cancelled, about: id), command, in: session)
        return try await find(id, in: session)
    }

    /// Notes that the bank did not execute a payment; the same again changes nothing.
    func reject(
        _ id: UUID, reason: String, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (stored, _) = try await lock(id, in: session)
        var payment = stored.value.payment
        guard try payment.reject(because: reason) else { return stored }
        try stored.check(expected)
        try await save(rejected: payment, command, in: session)
        return try await find(id, in: session)
    }

    /// Notes a rejection that the bank told of.
    /// - Returns: false when it is noted already.
    func reject(
        told id: UUID, reason: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Bool {
        let (stored, _) = try await lock(id, in: session)
        var payment = stored.value.payment
        guard try payment.reject(because: reason, isToldByBank: true) else { return false }
        try await save(rejected: payment, command, in: session)
        return true
    }

    private func save(
        rejected payment: Payment, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let rejected = PaymentRejected(
            payment: payment.id, tranche: payment.tranche, agreement: payment.agreement,
            amountCents: payment.amountCents)
        try await save(ended: payment, command.event(rejected, about: payment.id), command, in: session)
    }

    private func save(
        ended payment: Payment, _ event: NewEvent, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            update payments set state = \(payment.state.rawValue), version = version + 1, ended_by = \(command.actor),
                ended_at = \(command.now), end_reason = \(payment.endReason)
            where id = \(payment.id)
            """)
        try await EventLog.append([event], in: session)
    }

    /// A payment and its tranche with the evidence of now: locked, so that none is lost before the end of the
    /// transaction. The agreement comes first, as for whatever changes its evidence: else the two would wait for one
    /// another.
    private func lock(
        _ id: UUID, in session: some PostgresSession
    ) async throws -> (payment: Versioned<Standing>, tranche: TrancheStore.Standing) {
        let tranche = try await find(id, in: session).value.payment.tranche
        let standing = try await tranches.lockStanding(of: tranche, in: session)
        try await session.query("select id from payments where id = \(id) for update")
        return (try await find(id, in: session), standing)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Versioned<Standing> {
        let rows = try await session.query(
            """
            select p.*, t.agreement, t.number, t.conditions, t.state as tranche_state, a.grant_id
            from payments p join tranches t on t.id = p.tranche join agreements a on a.id = t.agreement
            where p.id = \(id)
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "payment") }
        return try Self.standing(row)
    }

    /// In the order of the tranches.
    func ofAgreement(_ id: UUID, in session: some PostgresSession) async throws -> [Versioned<Standing>] {
        let rows = try await session.query(
            """
            select p.*, t.agreement, t.number, t.conditions, t.state as tranche_state, a.grant_id
            from payments p join tranches t on t.id = p.tranche join agreements a on a.id = t.agreement
            where t.agreement = \(id) order by t.number, p.id
            """)
        return try rows.map { try Self.standing($0) }
    }

    private func save(
        executed payment: Payment, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        // Asked first: of a file with many transactions one that cannot be must not take the others with it.
        let known = try await session.query(
            "select id from payments where bank_reference = \(payment.bankReference) and id <> \(payment.id)")
        guard known.isEmpty else { throw FundingError.bankReferenceUsed }
        do throws(PostgresError) {
            try await session.query(
                """
                update payments set state = \(payment.state.rawValue), version = version + 1,
                    bank_reference = \(payment.bankReference), executed_by = \(command.actor),
                    executed_at = \(command.now)
                where id = \(payment.id)
                """)
        } catch {
            throw error.isUniqueViolation ? FundingError.bankReferenceUsed : error
        }
    }

    private static func standing(_ row: PostgresRow) throws -> Versioned<Standing> {
        let tranche = Tranche(
            id: try row.get("tranche"), agreement: try row.get("agreement"), grant: try row.get("grant_id"),
            number: try row.get("number"), amountCents: try row.get("amount_cents"),
            conditions: try row.get("conditions", as: [String].self).compactMap { ReleaseCondition(rawValue: $0) },
            state: try row.get("tranche_state"))
        let payment = Payment(
            id: try row.get("id"), of: tranche, to: try row.get("line"),
            creditor: FundingDomain.Creditor(
                name: try row.get("creditor_name"), iban: try IBAN(try row.get("iban", as: String.self))),
            orderedBy: try row.get("ordered_by"),
            progress: .init(
                state: try row.get("state"), approvedBy: try row.get("approved_by"),
                bankReference: try row.get("bank_reference"), endReason: try row.get("end_reason"),
                isWithBank: try row.get("batch", as: UUID?.self) != nil))
        let standing = Standing(
            payment: payment, orderedAt: try row.get("ordered_at"), approvedAt: try row.get("approved_at"),
            executedAt: try row.get("executed_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}
