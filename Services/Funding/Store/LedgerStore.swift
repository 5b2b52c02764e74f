import Events
import FundingDomain
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Books transfers. Balance and entry change in one statement, so that no crash leaves one without the other, and the
/// condition on the balance is part of the update: of commands that race for the last euro exactly one finds it.
enum LedgerStore {
    /// When and with which event a transfer is booked.
    struct Entry: Sendable {
        let transfer: Transfer
        let at: Date
        let event: UUID
    }

    /// Opens the account of an envelope and fills it from the budget.
    static func open(_ entry: Entry, in session: some PostgresSession) async throws {
        let account = Key(entry.transfer.credit)
        try await session.query("insert into accounts (owner, kind) values (\(account.owner), \(account.kind))")
        try await book(entry, in: session)
    }

    /// Sets money of an envelope aside for a grant, whose accounts begin with it.
    /// - Returns: false when the envelope does not hold the amount any more; then nothing changed.
    static func reserve(_ entry: Entry, in session: some PostgresSession) async throws -> Bool {
        let transfer = entry.transfer
        let (envelope, grant) = (Key(transfer.debit), Key(transfer.credit))
        let rows = try await session.query(
            """
            with debit as (
                update accounts set debited_cents = debited_cents + \(transfer.cents)
                where owner = \(envelope.owner) and kind = \(envelope.kind)
                    and credited_cents - debited_cents >= \(transfer.cents)
                returning id
            ), grant_accounts as (
                insert into accounts (owner, kind, credited_cents)
                select \(grant.owner), kind, case kind when \(grant.kind) then \(transfer.cents) else 0 end
                from unnest(array['reserved', 'committed', 'released', 'paid']) kind
                where exists (select from debit)
                returning id, kind
            ), entry as (
                insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event)
                select \(entry.at), debit.id, grant_accounts.id, \(transfer.cents), \(transfer.reason.rawValue),
                    \(transfer.commandID), \(entry.event)
                from debit, grant_accounts where grant_accounts.kind = \(grant.kind)
                returning id
            )
            select (select count(*) from debit) as debited, (select count(*) from entry) as entered
            """)
        return try isBooked(rows, entry)
    }

    /// Moves money that must be there, because the state that allowed the transfer says so.
    /// - Throws: `LedgerContradiction` when it is not.
    static func book(_ entry: Entry, in session: some PostgresSession) async throws {
        let transfer = entry.transfer
        let (debit, credit) = (Key(transfer.debit), Key(transfer.credit))
        let rows = try await session.query(
            """
            with debit as (
                update accounts set debited_cents = debited_cents + \(transfer.cents)
                where owner = \(debit.owner) and kind = \(debit.kind)
                    and (kind = 'budget' or credited_cents - debited_cents >= \(transfer.cents))
                returning id
            ), credit as (
                update accounts set credited_cents = credited_cents + \(transfer.cents)
                where owner = \(credit.owner) and kind = \(credit.kind) and exists (select from debit)
                returning id
            ), entry as (
                insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event)
                select \(entry.at), debit.id, credit.id, \(transfer.cents), \(transfer.reason.rawValue),
                    \(transfer.commandID), \(entry.event)
                from debit, credit
                returning id
            )
            select (select count(*) from debit) as debited, (select count(*) from entry) as entered
            """)
        guard try isBooked(rows, entry) else { throw LedgerContradiction(commandID: transfer.commandID) }
    }

    private static func isBooked(_ rows: PostgresRows, _ entry: Entry) throws -> Bool {
        guard let row = rows.first else { throw LedgerContradiction(commandID: entry.transfer.commandID) }
        let debited = try row.get("debited", as: Int64.self)
        // An entry without its debit cannot be; a debit without its entry would be money lost, so the transaction must
        // end.
        guard try row.get("entered", as: Int64.self) == debited else {
            throw LedgerContradiction(commandID: entry.transfer.commandID)
        }
        return debited == 1
    }

    /// Whose account and which.
    private struct Key {
        let owner: UUID
        let kind: String

        init(_ account: LedgerAccount) {
            switch account {
            case .budget: (owner, kind) = (UUID(high: 0, low: 0), "budget")
            case .available(let envelope): (owner, kind) = (envelope, "available")
            case .reserved(let grant): (owner, kind) = (grant, "reserved")
            case .committed(let grant): (owner, kind) = (grant, "committed")
            case .released(let grant): (owner, kind) = (grant, "released")
            case .paid(let grant): (owner, kind) = (grant, "paid")
            }
        }
    }
}
