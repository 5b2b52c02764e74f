import Events
import FundingDomain
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Books transfers, through the schema's `ledger_book` alone: it locks the accounts, checks the moves, and writes
/// entries and sums together, so that no crash and no program leaves one without the other.
enum LedgerStore {
    /// When and with which event a transfer is booked.
    struct Entry: Sendable {
        let transfer: Transfer
        let at: Date
        let event: UUID
    }

    /// Books all of them or none. They are moves of one kind: none may need an account that another opens.
    /// - Throws: `LedgerContradiction` when the money is not there, or the move is none: the state that allowed the
    ///   transfers says otherwise.
    static func book(_ entries: [Entry], in session: some PostgresSession) async throws {
        guard let first = entries.first else { return }
        do throws(PostgresError) {
            try await session.query(booking(entries))
        } catch {
            guard ["23514", "23001"].contains(error.sqlState ?? "") else { throw error }
            throw LedgerContradiction(commandID: first.transfer.commandID)
        }
    }

    /// Leaves the booking to go out with the next statement or with COMMIT, for moves that nothing else depends on,
    /// under a lock that tells that the money is there. Where it is not all the same, the transaction fails as a whole.
    static func enqueue(_ entries: [Entry], in transaction: PostgresTransaction) async throws {
        guard !entries.isEmpty else { return }
        try await transaction.enqueue(booking(entries))
    }

    static func book(_ entry: Entry, in session: some PostgresSession) async throws {
        try await book([entry], in: session)
    }

    /// Books step by step what one event tells: each step may need what the one before it brought.
    static func book(
        _ steps: [[Transfer]], at instant: Date, event: UUID, in session: some PostgresSession
    ) async throws {
        for transfers in steps {
            try await book(transfers.map { Entry(transfer: $0, at: instant, event: event) }, in: session)
        }
    }

    /// Sets money of an envelope aside, if it is there. The envelope stays locked until the end of the transaction, so
    /// of those who race for the last euro exactly one finds it.
    /// - Returns: false when the envelope does not hold the amount any more; then nothing changed.
    static func reserve(_ entry: Entry, in session: some PostgresSession) async throws -> Bool {
        let transfer = entry.transfer
        guard let balanceCents = try await lock(transfer.debit, in: session), balanceCents >= transfer.cents
        else { return false }
        try await book(entry, in: session)
        return true
    }

    /// Locks an account until the end of the transaction.
    /// - Returns: its balance in cents; nil when it was never opened.
    static func lock(_ account: LedgerAccount, in session: some PostgresSession) async throws -> Int64? {
        try await session.query(
            "select ledger_lock(\(owner(account)), \(account.kind)) as balance"
        ).first?.get("balance")
    }

    /// Whose an account is, as the ledger writes it.
    static func owner(_ account: LedgerAccount) -> UUID { account.owner ?? UUID(high: 0, low: 0) }

    private static func booking(_ entries: [Entry]) -> PostgresQuery {
        let transfers = entries.map(\.transfer)
        return """
            select ledger_book(\(entries.map(\.at)), \(transfers.map { owner($0.debit) }),
                \(transfers.map(\.debit.kind)), \(transfers.map { owner($0.credit) }), \(transfers.map(\.credit.kind)),
                \(transfers.map(\.cents)), \(transfers.map(\.reason.rawValue)), \(transfers.map(\.commandID)),
                \(entries.map(\.event)))
            """
    }
}
