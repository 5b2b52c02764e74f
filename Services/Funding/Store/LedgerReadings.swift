import FundingDomain
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// What the ledger says: balances now and at any time before, and the entries that they come to.
struct LedgerReadings: Sendable {
    /// How far into the past one looks.
    enum Moment: Sendable {
        case now
        /// With every entry up to this number.
        case entry(Int64)
        /// With every entry that was booked up to this instant of the programme's clock.
        case instant(Date)
    }

    /// An account with its sums at some moment, in cents.
    struct Balance: Sendable {
        let kind: String
        let owner: UUID
        let debitedCents: Int64
        let creditedCents: Int64
        /// The last entry that is in it; nil before the first.
        let lastEntry: Int64?

        var balanceCents: Int64 { creditedCents - debitedCents }
    }

    /// One entry with both of its accounts.
    struct Entry: Sendable {
        let number: Int64
        let at: Date
        let reason: String
        let debit: (kind: String, owner: UUID)
        let credit: (kind: String, owner: UUID)
        let amountCents: Int64
        /// Of the account whose entries these are.
        let balanceAfterCents: Int64
        /// The event of our log that tells it.
        let event: UUID
    }

    let pool: PostgresPool

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    /// - Throws: `StoreRefusal.notFound` for an account that was never opened.
    func balance(
        of kind: String, _ owner: UUID, at moment: Moment, visibleTo siren: String?
    ) async throws -> Balance {
        let account = try await account(kind, owner, visibleTo: siren)
        let (upTo, until) = Self.bounds(moment)
        let rows = try await pool.query(
            """
            select d.id as debit_entry, d.debit_after_cents, c.id as credit_entry, c.credit_after_cents
            from (select) as one
            left join lateral (
                select id, debit_after_cents from transfers
                where debit_account = \(account) and (\(upTo) is null or id <= \(upTo))
                    and (\(until) is null or at <= \(until))
                order by id desc limit 1) d on true
            left join lateral (
                select id, credit_after_cents from transfers
                where credit_account = \(account) and (\(upTo) is null or id <= \(upTo))
                    and (\(until) is null or at <= \(until))
                order by id desc limit 1) c on true
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "account") }
        let entries = [try row.get("debit_entry", as: Int64?.self), try row.get("credit_entry", as: Int64?.self)]
        return Balance(
            kind: kind, owner: owner, debitedCents: try row.get("debit_after_cents", as: Int64?.self) ?? 0,
            creditedCents: try row.get("credit_after_cents", as: Int64?.self) ?? 0,
            lastEntry: entries.compactMap { $0 }.max())
    }

    /// The entries of an account in their order.
    func entries(
        of kind: String, _ owner: UUID, after: Int64, limit: Int, visibleTo siren: String?
    ) async throws -> [Entry] {
        let account = try await account(kind, owner, visibleTo: siren)
        let rows = try await pool.query(
            """
            select e.*, d.kind as debit_kind, d.owner as debit_owner, c.kind as credit_kind, c.owner as credit_owner,
                coalesce((
                    select o.credit_after_cents from transfers o
                    where o.credit_account = \(account) and o.id <= e.id order by o.id desc limit 1), 0)
                - coalesce((
                    select o.debit_after_cents from transfers o
                    where o.debit_account = \(account) and o.id <= e.id order by o.id desc limit 1), 0) as balance_after
            from (
                (select * from transfers where debit_account = \(account) and id > \(after) order by id limit \(limit))
                union all
                (select * from transfers where credit_account = \(account) and id > \(after) order by id limit \(limit))
            ) e
            join accounts d on d.id = e.debit_account join accounts c on c.id = e.credit_account
            order by e.id limit \(limit)
            """)
        return try rows.map { try Self.entry($0) }
    }

    private func account(_ kind: String, _ owner: UUID, visibleTo siren: String?) async throws -> Int64 {
        let rows = try await pool.query(
            """
            select a.id from accounts a left join grants g on g.id = a.grant_id
            where a.kind = \(kind) and a.owner = \(owner) and (\(siren) is null or g.lead_siren = \(siren))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "account") }
        return try row.get("id")
    }

    private static func bounds(_ moment: Moment) -> (upTo: Int64?, until: Date?) {
        switch moment {
        case .now: (nil, nil)
        case .entry(let number): (number, nil)
        case .instant(let instant): (nil, instant)
        }
    }

    private static func entry(_ row: PostgresRow) throws -> Entry {
        Entry(
            number: try row.get("id"), at: try row.get("at"), reason: try row.get("reason"),
            debit: (try row.get("debit_kind"), try row.get("debit_owner")),
            credit: (try row.get("credit_kind"), try row.get("credit_owner")),
            amountCents: try row.get("amount_cents"), balanceAfterCents: try row.get("balance_after"),
            event: try row.get("event"))
    }
}
