import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.UUID

/// The end of an agreement on what was spent.
struct SettlementStore: Sendable {
    let changes: AgreementChanges
    let recoveries: RecoveryStore

    private var agreements: AgreementStore { changes.agreements }

    /// What the agreement would come to now, or came to.
    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func preview(
        of id: UUID, visibleTo siren: String?, in session: some PostgresSession
    ) async throws -> Settlement {
        let agreement = try await agreements.find(id, visibleTo: siren, in: session).value
        let settlement = try await settlement(of: agreement, in: session)
        // The lead answers for all; a partner reads its own line.
        guard let siren, siren != agreement.consortium.lead.siren else { return settlement }
        return settlement.only(siren)
    }

    /// Settles: what is still due becomes one tranche more, what is bound beyond it goes back to the envelope,
    /// and what was paid above it is proposed for recovery.
    func settle(
        _ order: AgreementChanges.Order, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        let agreement = try await changes.lock(order, in: session)
        guard agreement.state != .settled else { throw FundingError.agreementSettled }
        let paid = try await AgreementContent.paid(of: agreement.id, in: session)
        try await checkDecided(agreement.id, in: session)
        let settlement = try await settlement(of: agreement, in: session)
        let settled = try agreement.settled(settlement, paid: paid, nextID: { EventID.next() })
        let envelope = try await changes.envelope(of: agreement, in: session)
        let event = command.event(
            payload(settled, settlement, envelope, command), about: agreement.id)
        try await save(settled, before: agreement, event, command, in: session)
        try await giveBack(settled, event, to: envelope, command, in: session)
        try await insert(settlement, of: agreement.id, in: session)
        _ = try await changes.save(settled.agreement, (.settle, event), order, command, in: session)
        try await agreements.tranches.releaseWhatIsMet(of: agreement.id, command, in: session)
        for line in settlement.lines where line.excessCents > 0 {
            let reason = "\(line.paidCents - line.claimedCents) paid, \(line.dueCents) due by the settlement"
            try await recoveries.propose(
                line: line.line, excessCents: line.excessCents, reason: reason, command, in: session)
        }
        return try await agreements.find(agreement.id, in: session)
    }

    private func settlement(
        of agreement: Agreement, in session: some PostgresSession
    ) async throws -> Settlement {
        guard let terms = agreement.terms else { throw FundingError.noTerms }
        let rows = try await session.query(
            """
            select l.id, (
                    select coalesce(sum(eligible_cents), 0)::bigint from expense_statements
                    where line = l.id and state = 'accepted') as eligible_cents, (
                    select coalesce(sum(amount_cents), 0)::bigint from payments
                    where line = l.id and state = 'executed') as paid_cents, (
                    select coalesce(sum(r.amount_cents - r.waived_cents), 0)::bigint
                    from recoveries r join payments p on p.id = r.payment
                    where p.line = l.id and r.state in ('ordered', 'settled')) as claimed_cents
            from agreement_lines l where l.agreement = \(agreement.id)
            """)
        var (eligible, paid, claimed): ([UUID: Int64], [UUID: Int64], [UUID: Int64]) = ([:], [:], [:])
        for row in rows {
            let line = try row.get("id", as: UUID.self)
            eligible[line] = try row.get("eligible_cents")
            paid[line] = try row.get("paid_cents")
            claimed[line] = try row.get("claimed_cents")
        }
        return Settlement(agreement.lines, rate: terms.rate, eligible: eligible, paid: paid, claimed: claimed)
    }

    /// - Throws: what has to be decided first.
    private func checkDecided(_ agreement: UUID, in session: some PostgresSession) async throws {
        let rows = try await session.query(
            """
            select (
                select count(*) from expense_statements
                where agreement = \(agreement) and state in ('expected', 'submitted', 'reopened')) as missing, exists (
                select from recoveries r join payments p on p.id = r.payment join tranches t on t.id = p.tranche
                where t.agreement = \(agreement) and r.state = 'proposed') as is_undecided
            """)
        let missing = try rows[0].get("missing", as: Int64.self)
        guard missing == 0 else { throw FundingError.statementsMissing(count: Int(missing)) }
        guard try !rows[0].get("is_undecided", as: Bool.self) else { throw FundingError.recoveryUndecided }
    }

    private func payload(
        _ settled: Agreement.Settled, _ settlement: Settlement, _ envelope: UUID, _ command: CommandContext
    ) -> AgreementSettled {
        AgreementSettled(
            agreement: settled.agreement.id, grant: settled.agreement.grant, envelope: envelope,
            amountCents: settled.givenBackCents,
            parts: settlement.lines.map {
                SettledPart(
                    siren: $0.siren, partCents: $0.grantedCents, eligibleCents: $0.eligibleCents,
                    dueCents: $0.dueCents, paidCents: $0.paidCents)
            }, settledAt: command.now)
    }

    /// Tranche by tranche.
    private func save(
        _ settled: Agreement.Settled, before: Agreement, _ event: NewEvent, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        var (events, told): ([NewEvent], [UUID?: UUID]) = ([], [:])
        for after in settled.agreement.tranches {
            guard let old = before.tranches.first(where: { $0.id == after.id }) else {
                try await agreements.tranches.insert([after], in: session)
                events.append(AgreementStore.opened(after, command))
                continue
            }
            guard old.state != after.state else { continue }
            let cancelled = changes.cancelled(old, command)
            told[after.id] = cancelled.id
            events.append(cancelled)
            try await agreements.tranches.save(adjusted: after, in: session)
        }
        let retracted = settled.retracted.map { transfer in
            LedgerStore.Entry(
                transfer: transfer, at: command.now, event: told[transfer.debit.owner] ?? event.id)
        }
        try await LedgerStore.book(retracted, in: session)
        try await EventLog.append(events, in: session)
    }

    /// What is bound and not due.
    private func giveBack(
        _ settled: Agreement.Settled, _ event: NewEvent, to envelope: UUID, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        guard settled.givenBackCents > 0 else { return }
        let steps = Transfer.giveBack(settled.agreement, change: event.id, to: envelope, settled.givenBackCents)
        try await LedgerStore.book(steps, at: command.now, event: event.id, in: session)
    }

    private func insert(
        _ settlement: Settlement, of agreement: UUID, in session: some PostgresSession
    ) async throws {
        let lines = settlement.lines
        try await session.query(
            """
            insert into settlement_lines (agreement, line, eligible_cents, due_cents, paid_cents, claimed_cents)
            select \(agreement), l.line, l.eligible, l.due, l.paid, l.claimed
            from unnest(\(lines.map(\.line)), \(lines.map(\.eligibleCents)), \(lines.map(\.dueCents)),
                \(lines.map(\.paidCents)), \(lines.map(\.claimedCents))) as l (line, eligible, due, paid, claimed)
            """)
    }
}
