import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Recoveries of what was paid.
struct RecoveryStore: Sendable {
    /// A recovery with when what happened to it.
    struct Standing: Sendable {
        var recovery: Recovery
        /// The event that took the evidence.
        let cause: UUID?
        let proposedAt: Date
        let orderedBy: String?
        let orderedAt: Date?
        /// What payments that are on their way take of it.
        let setOffCents: Int64
    }

    /// What came in, and how the bank calls it.
    struct Receipt: Sendable {
        let amountCents: Int64
        let bankReference: String
    }

    /// Proposes that some of a payment comes back.
    func propose(
        payment: UUID, amountCents: Int64, reason: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        // The agreement first: a settlement that asks what is undecided sees this one, or comes before it.
        try await session.query(
            """
            select id from agreements where id = (
                select t.agreement from payments p join tranches t on t.id = p.tranche where p.id = \(payment))
            for share
            """)
        let (source, leftCents) = try await lockSource(payment, in: session)
        let recovery = try Recovery.propose(
            id: EventID.next(), of: source, amountCents: amountCents, leftCents: leftCents,
            because: (reason, command.actor))
        try await insert(recovery, cause: nil, command, in: session)
        return try await find(recovery.id, in: session)
    }

    /// Proposes that what a tranche was paid comes back, since an event took its evidence. The same event proposes
    /// once.
    func propose(
        tranche: UUID, lostBy cause: UUID, reason: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let payments = try await session.query(
            "select id from payments where tranche = \(tranche) and state = 'executed' order by id")
        for row in payments {
            let payment = try row.get("id", as: UUID.self)
            let (source, leftCents) = try await lockSource(payment, in: session)
            guard leftCents > 0 else { continue }
            let recovery = try Recovery.propose(
                id: EventID.next(), of: source, amountCents: leftCents, leftCents: leftCents,
                because: (reason, command.actor))
            try await insert(recovery, cause: cause, command, in: session)
        }
    }

    /// Proposes that what a beneficiary was paid above what is due comes back: of its latest payments first.
    func propose(
        line: UUID, excessCents: Int64, reason: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        var open = excessCents
        let payments = try await session.query(
            "select id from payments where line = \(line) and state = 'executed' order by executed_at desc, id desc")
        for row in payments where open > 0 {
            let payment = try row.get("id", as: UUID.self)
            let (source, leftCents) = try await lockSource(payment, in: session)
            guard leftCents > 0 else { continue }
            let recovery = try Recovery.propose(
                id: EventID.next(), of: source, amountCents: min(open, leftCents), leftCents: leftCents,
                because: (reason, EventOwner.funding.rawValue))
            try await insert(recovery, cause: nil, command, in: session)
            open -= recovery.amountCents
        }
        // The agreement is locked, so what was paid and is not claimed is all there.
        guard open == 0 else { throw LedgerContradiction(commandID: "settle-excess:\(line.lowercase)") }
    }

    /// The evidence of a tranche stands again: what lost evidence proposed and nobody ordered is off.
    func withdrawProposals(
        tranche: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let rows = try await session.query(
            """
            select r.id from recoveries r join payments p on p.id = r.payment
            where p.tranche = \(tranche) and r.state = 'proposed' and r.cause is not null order by r.id
            """)
        for row in rows {
            var stored = try await lock(try row.get("id"), in: session)
            guard stored.value.recovery.state == .proposed else { continue }
            try await withdraw(&stored.value.recovery, command, in: session)
        }
    }

    func order(
        _ id: UUID, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var recovery = try await lock(id, expected: expected, in: session)
        let claim = try recovery.order(by: command.actor)
        let ordered = command.event(
            RecoveryOrdered(recovery: id, agreement: recovery.agreement, amountCents: recovery.amountCents), about: id)
        try await LedgerStore.book(.init(transfer: claim, at: command.now, event: ordered.id), in: session)
        try await session.query(
            """
            update recoveries set state = \(recovery.state.rawValue), version = version + 1,
                ordered_by = \(command.actor), ordered_at = \(command.now)
            where id = \(id)
            """)
        try await EventLog.append([ordered], in: session)
        return try await find(id, in: session)
    }

    func withdraw(
        _ id: UUID, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var recovery = try await lock(id, expected: expected, in: session)
        try await withdraw(&recovery, command, in: session)
        return try await find(id, in: session)
    }

    /// Books an instalment. The bank's reference names it: told again, it changes nothing, whatever version comes with
    /// it.
    func receive(
        _ id: UUID, _ receipt: Receipt, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (amountCents, bankReference) = (receipt.amountCents, receipt.bankReference)
        try Payment.check(bankReference: bankReference)
        let stored = try await lock(id, in: session)
        let known = try await session.query(
            "select recovery, amount_cents from recovery_receipts where bank_reference = \(bankReference)")
        if let row = known.first {
            let isSame = try row.get("recovery") == id && row.get("amount_cents") == amountCents
            guard isSame else { throw FundingError.bankReferenceUsed }
            return stored
        }
        try stored.check(expected)
        guard amountCents <= stored.value.recovery.openCents - stored.value.setOffCents else {
            throw FundingError.aboveRecoverable(
                leftCents: stored.value.recovery.openCents - stored.value.setOffCents)
        }
        return try await book(receipt, of: stored.value.recovery, command, in: session)
    }

    /// Books what a payment that was executed sets off.
    func setOff(
        _ offset: PaymentOffset, against payment: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let stored = try await lock(offset.recovery, in: session)
        let reference = "offset-\(payment.lowercase)-\(offset.recovery.lowercase)"
        let receipt = Receipt(amountCents: offset.cents, bankReference: reference)
        _ = try await book(receipt, of: stored.value.recovery, command, in: session)
    }

    /// What a payment may set off: ordered recoveries from its beneficiary, locked.
    func offsets(
        _ asked: [PaymentOffset], against line: UUID, in session: some PostgresSession
    ) async throws -> [PaymentOffset] {
        guard Set(asked.map(\.recovery)).count == asked.count, asked.count <= 20 else {
            throw FundingError.invalid(field: "/offsets", expected: "at most 20 recoveries, each once")
        }
        // In the order of their ids: of two that need the same ones, one waits.
        for id in asked.map(\.recovery).sorted(by: { $0.lowercase < $1.lowercase }) {
            try await session.query("select id from recoveries where id = \(id) for update")
        }
        for (index, offset) in asked.enumerated() {
            let standing = try await find(offset.recovery, in: session).value
            try PaymentOffset.check(
                standing.recovery, against: line, offset.cents,
                freeCents: standing.recovery.openCents - standing.setOffCents, at: index)
        }
        return asked
    }

    private func book(
        _ receipt: Receipt, of recovery: Recovery, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let (amountCents, bankReference, id) = (receipt.amountCents, receipt.bankReference, recovery.id)
        var recovery = recovery
        let receiptID = EventID.next()
        let transfer = try recovery.receive(amountCents, receipt: receiptID)
        let received = command.event(
            RecoveryReceived(
                recovery: id, agreement: recovery.agreement, envelope: recovery.envelope, amountCents: amountCents,
                openCents: recovery.openCents),
            about: id)
        do throws(PostgresError) {
            try await session.query(
                """
                insert into recovery_receipts (id, recovery, amount_cents, bank_reference, received_by, received_at)
                values (\(receiptID), \(id), \(amountCents), \(bankReference), \(command.actor), \(command.now))
                """)
        } catch {
            throw error.isUniqueViolation ? FundingError.bankReferenceUsed : error
        }
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: received.id), in: session)
        try await save(recovery, [received], command, in: session)
        return try await find(id, in: session)
    }

    /// Gives up what has not come in.
    func waive(
        _ id: UUID, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        var recovery = try await lock(id, expected: expected, in: session)
        let setOffCents = try await find(id, in: session).value.setOffCents
        let transfer = try recovery.waive(by: command.actor, setOffCents: setOffCents)
        let waived = command.event(
            RecoveryWaived(recovery: id, agreement: recovery.agreement, amountCents: transfer.cents), about: id)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: waived.id), in: session)
        try await save(recovery, [waived], command, in: session)
        return try await find(id, in: session)
    }

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func find(
        _ id: UUID, visibleTo siren: String? = nil, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        let rows = try await session.query(Self.selection(id: id, siren: siren))
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "recovery") }
        return try Self.standing(row)
    }

    /// In the order of their ids.
    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func ofAgreement(
        _ agreement: UUID, visibleTo siren: String? = nil, in session: some PostgresSession
    ) async throws -> [Versioned<Standing>] {
        try await session.query(Self.selection(agreement: agreement, siren: siren)).map { try Self.standing($0) }
    }

    // MARK: Parts of commands

    /// A payment that was executed, locked, and what of it no recovery claims.
    private func lockSource(
        _ payment: UUID, in session: some PostgresSession
    ) async throws -> (source: Recovery.Source, leftCents: Int64) {
        try await session.query("select id from payments where id = \(payment) for update")
        let rows = try await session.query(
            """
            select p.id, p.tranche, p.line, p.amount_cents, p.state, t.agreement, g.envelope,
                coalesce((
                    select sum(amount_cents - waived_cents) from recoveries
                    where payment = p.id and state <> 'withdrawn'), 0)::bigint as claimed_cents
            from payments p join tranches t on t.id = p.tranche join agreements a on a.id = t.agreement
            join grants g on g.id = a.grant_id
            where p.id = \(payment)
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "payment") }
        let state = try row.get("state", as: PaymentState.self)
        guard state == .executed else { throw FundingError.paymentNotExecuted(state) }
        let source = Recovery.Source(
            payment: payment, tranche: try row.get("tranche"), agreement: try row.get("agreement"),
            line: try row.get("line"), envelope: try row.get("envelope"))
        let leftCents = try row.get("amount_cents", as: Int64.self) - row.get("claimed_cents", as: Int64.self)
        return (source, leftCents)
    }

    private func insert(
        _ recovery: Recovery, cause: UUID?, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let inserted = try await session.query(
            """
            insert into recoveries (id, payment, amount_cents, state, reason, cause, proposed_by, proposed_at)
            values (\(recovery.id), \(recovery.payment), \(recovery.amountCents), \(recovery.state.rawValue),
                \(recovery.reason), \(cause), \(recovery.proposedBy), \(command.now))
            on conflict do nothing
            """)
        guard inserted.affectedCount == 1 else { return }
        let proposed = RecoveryProposed(
            recovery: recovery.id, payment: recovery.payment, tranche: recovery.tranche, agreement: recovery.agreement,
            amountCents: recovery.amountCents, cause: cause)
        try await EventLog.append([command.event(proposed, about: recovery.id)], in: session)
    }

    private func withdraw(
        _ recovery: inout Recovery, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try recovery.withdraw()
        let withdrawn = RecoveryWithdrawn(
            recovery: recovery.id, agreement: recovery.agreement, amountCents: recovery.amountCents)
        try await save(recovery, [command.event(withdrawn, about: recovery.id)], command, in: session)
    }

    private func save(
        _ recovery: Recovery, _ events: [NewEvent], _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            update recoveries set state = \(recovery.state.rawValue), version = version + 1,
                received_cents = \(recovery.receivedCents), waived_cents = \(recovery.waivedCents)
            where id = \(recovery.id)
            """)
        var events = events
        if recovery.state == .settled {
            let settled = RecoverySettled(
                recovery: recovery.id, agreement: recovery.agreement, receivedCents: recovery.receivedCents,
                waivedCents: recovery.waivedCents)
            events.append(command.event(settled, about: recovery.id))
        }
        try await EventLog.append(events, in: session)
    }

    private func lock(
        _ id: UUID, expected: Int64, in session: some PostgresSession
    ) async throws -> Recovery {
        let stored = try await lock(id, in: session)
        try stored.check(expected)
        return stored.value.recovery
    }

    private func lock(_ id: UUID, in session: some PostgresSession) async throws -> Versioned<Standing> {
        try await session.query("select id from recoveries where id = \(id) for update")
        return try await find(id, in: session)
    }

    private static func selection(
        id: UUID? = nil, agreement: UUID? = nil, siren: String? = nil
    ) -> PostgresQuery {
        """
        select r.*, p.tranche, p.line, t.agreement, g.envelope, (
            select coalesce(sum(o.amount_cents), 0)::bigint
            from payment_offsets o join payments q on q.id = o.payment
            where o.recovery = r.id and q.state in ('ordered', 'approved')) as set_off_cents
        from recoveries r join payments p on p.id = r.payment join tranches t on t.id = p.tranche
        join agreements a on a.id = t.agreement join grants g on g.id = a.grant_id
        where (\(id) is null or r.id = \(id)) and (\(agreement) is null or t.agreement = \(agreement))
            and (\(siren) is null or exists (select from agreement_lines where id = p.line and siren = \(siren))
                or a.lead_siren = \(siren))
        order by r.id
        """
    }

    private static func standing(_ row: PostgresRow) throws -> Versioned<Standing> {
        let source = Recovery.Source(
            payment: try row.get("payment"), tranche: try row.get("tranche"), agreement: try row.get("agreement"),
            line: try row.get("line"), envelope: try row.get("envelope"))
        let recovery = Recovery(
            id: try row.get("id"), of: source, amountCents: try row.get("amount_cents"),
            because: (try row.get("reason"), try row.get("proposed_by")),
            progress: .init(
                state: try row.get("state"), receivedCents: try row.get("received_cents"),
                waivedCents: try row.get("waived_cents"), orderedBy: try row.get("ordered_by")))
        let standing = Standing(
            recovery: recovery, cause: try row.get("cause"), proposedAt: try row.get("proposed_at"),
            orderedBy: try row.get("ordered_by"), orderedAt: try row.get("ordered_at"),
            setOffCents: try row.get("set_off_cents"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}
