import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.UUID

/// What becomes of an agreement after it was signed: it stops, goes on, or ends before its time.
struct AgreementChanges: Sendable {
    let agreements: AgreementStore
    let grants: GrantStore

    enum Change: String {
        case suspend, resume, terminate, discard, settle
    }

    /// Who changes which version of which agreement, and why.
    struct Order: Sendable {
        let agreement: UUID
        let expected: Int64
        let reason: String
    }

    /// Stops releases and payments; evidence is still recorded.
    func suspend(
        _ order: Order, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        var agreement = try await lock(order, in: session)
        try agreement.suspend()
        let event = command.event(
            AgreementSuspended(agreement: agreement.id, suspendedAt: command.now), about: agreement.id)
        return try await save(agreement, (.suspend, event), order, command, in: session)
    }

    /// Goes on, and releases what got its evidence meanwhile.
    func resume(
        _ order: Order, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        var agreement = try await lock(order, in: session)
        try agreement.resume()
        let event = command.event(
            AgreementResumed(agreement: agreement.id, resumedAt: command.now), about: agreement.id)
        _ = try await save(agreement, (.resume, event), order, command, in: session)
        try await agreements.tranches.releaseWhatIsMet(of: agreement.id, command, in: session)
        return try await agreements.find(agreement.id, in: session)
    }

    /// Nobody will sign the draft: its grant can be agreed on anew.
    func discard(
        _ order: Order, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        var agreement = try await lock(order, in: session)
        try agreement.discard()
        let event = command.event(
            AgreementDiscarded(agreement: agreement.id, grant: agreement.grant, discardedAt: command.now),
            about: agreement.id)
        return try await save(agreement, (.discard, event), order, command, in: session)
    }

    /// Ends the agreement: what is bound and not paid is the envelope's again.
    func terminate(
        _ order: Order, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        var agreement = try await lock(order, in: session)
        let envelope = try await envelope(of: agreement, in: session)
        let paid = try await AgreementContent.paid(of: agreement.id, in: session)
        guard !paid.isPending else { throw FundingError.paymentPending }
        let before = agreement.tranches
        let steps = try agreement.terminate(envelope: envelope)
        let event = command.event(
            AgreementTerminated(
                agreement: agreement.id, grant: agreement.grant, envelope: envelope,
                amountCents: steps.last?.first?.cents ?? 0, terminatedAt: command.now),
            about: agreement.id)
        let cancelled = try await cancel(before, of: agreement, command, in: session)
        for transfers in steps {
            let entries = transfers.map { transfer in
                LedgerStore.Entry(
                    transfer: transfer, at: command.now, event: cancelled[transfer.debit.owner] ?? event.id)
            }
            try await LedgerStore.book(entries, in: session)
        }
        let today = try await ParisDays.day(of: command.now, in: session)
        try await StatementStore.drop(after: today, of: agreement.id, in: session)
        try await grants.releaseExperiments(
            under: agreement.id, because: "the agreement of the place was terminated", command, in: session)
        return try await save(agreement, (.terminate, event), order, command, in: session)
    }

    /// That the agreement's grant came from.
    func envelope(of agreement: Agreement, in session: some PostgresSession) async throws -> UUID {
        let rows = try await session.query("select envelope from grants where id = \(agreement.grant)")
        guard let envelope = try rows.first?.get("envelope", as: UUID?.self) else {
            throw StoreRefusal.notFound(noun: "grant")
        }
        return envelope
    }

    /// That a tranche will not be paid.
    func cancelled(_ tranche: Tranche, _ command: CommandContext) -> NewEvent {
        command.event(
            TrancheCancelled(
                tranche: tranche.id, agreement: tranche.agreement, number: tranche.number,
                amountCents: tranche.unpaidCents, wasReleased: tranche.state == .released),
            about: tranche.id)
    }

    /// - Parameter before: the tranches as they were.
    /// - Returns: the events of those that are cancelled, by tranche.
    private func cancel(
        _ before: [Tranche], of agreement: Agreement, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> [UUID?: UUID] {
        var events: [NewEvent] = []
        var told: [UUID?: UUID] = [:]
        for (old, new) in zip(before, agreement.tranches) where old.state != new.state {
            let event = cancelled(old, command)
            events.append(event)
            told[new.id] = event.id
            try await agreements.tranches.save(adjusted: new, in: session)
        }
        try await EventLog.append(events, in: session)
        return told
    }

    /// The agreement as it was seen, locked.
    func lock(_ order: Order, in session: some PostgresSession) async throws -> Agreement {
        try Agreement.check(reason: order.reason)
        let stored = try await agreements.find(order.agreement, isLocked: true, in: session)
        try stored.check(order.expected)
        return stored.value
    }

    func save(
        _ agreement: Agreement, _ change: (name: Change, event: NewEvent), _ order: Order, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        try await session.query(
            """
            update agreements set state = \(agreement.state.rawValue), version = version + 1,
                settled_at = \(agreement.state == .settled ? command.now : nil)
            where id = \(agreement.id)
            """)
        try await session.query(
            """
            insert into agreement_changes (agreement, change, reason, changed_by, changed_at, event)
            values (\(agreement.id), \(change.name.rawValue), \(order.reason), \(command.actor), \(command.now),
                \(change.event.id))
            """)
        try await EventLog.append([change.event], in: session)
        return try await agreements.find(agreement.id, in: session)
    }
}
