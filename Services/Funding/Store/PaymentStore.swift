import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Payments of tranches.
struct PaymentStore: Sendable {
    let tranches: TrancheStore
    /// From this amount on two have to approve; nil where one is always enough.
    var secondApprovalFromCents: Int64?

    /// What is ordered.
    struct Order: Sendable {
        let creditor: Creditor
        /// Of the beneficiary; nil for the lead.
        let siren: String?
        /// What recoveries from it are set off.
        let offsets: [PaymentOffset]
    }

    /// To whom a payment goes, as the caller wrote it.
    struct Creditor: Sendable {
        let name: String
        let iban: String
    }

    /// A payment with when what happened to it.
    struct Standing: Sendable {
        var payment: Payment
        let orderedAt: Date
        let siren: String
        let firstApprovedAt: Date?
        let approvedAt: Date?
        let executedAt: Date?
    }

    func order(
        tranche id: UUID, _ order: Order, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        if let siren = order.siren { try Payment.check(siren: siren) }
        let standing = try await tranches.lockStanding(of: id, in: session)
        try standing.checkAgreement()
        let line = try await line(of: order.siren, in: standing.tranche.value.agreement, in: session)
        let offsets = try await tranches.recoveries.offsets(order.offsets, against: line, in: session)
        let payment = try Payment.order(
            id: EventID.next(), of: (standing.tranche.value, standing.evidence),
            to: (line, order.creditor.name, order.creditor.iban), by: command.actor,
            terms: .init(offsets: offsets, secondApprovalFromCents: secondApprovalFromCents))
        let inserted = try await session.query(
            """
            insert into payments (id, tranche, line, amount_cents, state, creditor_name, iban, ordered_by, ordered_at,
                needs_second_approval)
            values (\(payment.id), \(id), \(payment.line), \(payment.amountCents), \(payment.state.rawValue),
                \(payment.creditorName), \(payment.iban.electronicForm), \(payment.orderedBy), \(command.now),
                \(payment.needsSecondApproval))
            on conflict (tranche, line) where state in ('ordered', 'approved', 'executed') do nothing
            """)
        guard inserted.affectedCount == 1 else { throw FundingError.paymentExists }
        try await session.query(
            """
            insert into payment_offsets (payment, recovery, amount_cents)
            select \(payment.id), recovery, cents
            from unnest(\(offsets.map(\.recovery)), \(offsets.map(\.cents))) as offset_ (recovery, cents)
            """)
        let ordered = PaymentOrdered(
            payment: payment.id, tranche: id, agreement: payment.agreement, amountCents: payment.amountCents,
            orderedAt: command.now)
        try await EventLog.append([command.event(ordered, about: payment.id)], in: session)
        return try await find(payment.id, in: session)
    }

    /// A beneficiary's line of an agreement; the lead's where none is named.
    private func line(
        of siren: String?, in agreement: UUID, in session: some PostgresSession
    ) async throws -> UUID {
        let rows = try await session.query(
            """
            select id from agreement_lines where agreement = \(agreement) and (\(siren) is null or siren = \(siren))
            order by position limit 1
            """)
        guard let row = rows.first else { throw FundingError.noPart }
        return try row.get("id")
    }

    func approve(
        _ id: UUID, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (stored, standing) = try await lock(id, in: session)
        try stored.check(expected)
        try standing.checkAgreement()
        var payment = stored.value.payment
        try payment.approve(by: command.actor, on: (standing.tranche.value, standing.evidence))
        let isFirst = payment.approvedBy == nil
        try await session.query(
            """
            update payments set state = \(payment.state.rawValue), version = version + 1,
                first_approved_by = \(payment.firstApprovedBy),
                first_approved_at = case when \(isFirst) then \(command.now) else first_approved_at end,
                approved_by = \(payment.approvedBy),
                approved_at = case when \(isFirst) then null else \(command.now) end
            where id = \(id)
            """)
        // The bank has nothing to do where everything is set off.
        if payment.state == .approved, payment.netCents == 0 {
            return try await settle(payment, standing, command, in: session)
        }
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
            bankReference: bankReference, tranche: &tranche, evidence: standing.evidence)
        guard let transfer else { return stored }
        _ = try await book(payment, tranche, transfer, command, in: session)
        return try await find(id, in: session)
    }

    /// Books a payment of which nothing is left for the bank.
    private func settle(
        _ payment: Payment, _ standing: TrancheStore.Standing, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var (payment, tranche) = (payment, standing.tranche.value)
        let transfer = try payment.execute(
            bankReference: "offset-\(payment.id.lowercase)", tranche: &tranche, evidence: standing.evidence)
        if let transfer { _ = try await book(payment, tranche, transfer, command, in: session) }
        return try await find(payment.id, in: session)
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
                reason: "\(standing.lost.map(\.text).joined(separator: ", ")) is met no more", command, in: session)
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
        if tranche.state == .paid { try await tranches.save(paid: tranche, in: session) }
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: executed.id), in: session)
        try await EventLog.append([executed], in: session)
        for offset in payment.offsets {
            try await tranches.recoveries.setOff(offset, against: payment.id, command, in: session)
        }
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
            \(shared: Self.selectPayments) where p.id = \(id)
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "payment") }
        return try Self.standing(row)
    }

    /// In the order of the tranches.
    func ofAgreement(_ id: UUID, in session: some PostgresSession) async throws -> [Versioned<Standing>] {
        let rows = try await session.query(
            """
            \(shared: Self.selectPayments) where t.agreement = \(id) order by t.number, p.id
            """)
        return try rows.map { try Self.standing($0) }
    }

    private static let selectPayments: StaticString = """
        select p.*, t.agreement, a.grant_id, l.siren,
            (select array_agg(recovery order by recovery) from payment_offsets where payment = p.id)
                as offset_recoveries,
            (select array_agg(amount_cents order by recovery) from payment_offsets where payment = p.id)
                as offset_cents
        from payments p join tranches t on t.id = p.tranche join agreements a on a.id = t.agreement
        join agreement_lines l on l.id = p.line
        """

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
        let (recoveries, cents) = (
            try row.get("offset_recoveries", as: [UUID]?.self) ?? [],
            try row.get("offset_cents", as: [Int64]?.self) ?? []
        )
        let subject = Payment.Subject(
            of: (id: try row.get("tranche"), agreement: try row.get("agreement"), grant: try row.get("grant_id")),
            part: TranchePart(line: try row.get("line"), cents: try row.get("amount_cents")),
            offsets: zip(recoveries, cents).map { PaymentOffset(recovery: $0, cents: $1) },
            needsSecondApproval: try row.get("needs_second_approval"))
        let payment = Payment(
            id: try row.get("id"), of: subject,
            creditor: FundingDomain.Creditor(
                name: try row.get("creditor_name"), iban: try IBAN(try row.get("iban", as: String.self))),
            orderedBy: try row.get("ordered_by"),
            progress: .init(
                state: try row.get("state"), firstApprovedBy: try row.get("first_approved_by"),
                approvedBy: try row.get("approved_by"),
                bankReference: try row.get("bank_reference"), endReason: try row.get("end_reason"),
                isWithBank: try row.get("batch", as: UUID?.self) != nil))
        let standing = Standing(
            payment: payment, orderedAt: try row.get("ordered_at"), siren: try row.get("siren"),
            firstApprovedAt: try row.get("first_approved_at"), approvedAt: try row.get("approved_at"),
            executedAt: try row.get("executed_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}
