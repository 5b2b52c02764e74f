import Events
import FundingDomain
import Outbox
import Postgres

/// The ledger's part of a checkpoint of the log: its entries are sealed, and whoever sums the money up from the events
/// can compare.
enum LedgerCheckpointStore {
    /// - Returns: nothing when no money moved since the last one.
    static func events(_ range: CheckpointRange, in session: PostgresTransaction) async throws -> [NewEvent] {
        guard let (block, entries) = try await LedgerBlockStore.seal(range, in: session)
        else { return [] }
        let seal = LedgerSealed(
            block: block.frame.number, position: block.frame.upTo, entryCount: block.entryCount,
            hash: LedgerChain.digits(block.hash))
        // A ledger that was there before its chain has sums of its own for what the first block begins with.
        let fresh = entries.filter { $0.position > range.after }
        guard !fresh.isEmpty else { return [event(seal, range)] }
        let balances = try await add(fresh, in: session)
        return [event(seal, range), event(LedgerCheckpointed(position: range.upTo, balancesCents: balances), range)]
    }

    private static func event(_ payload: some EventPayload, _ range: CheckpointRange) -> NewEvent {
        NewEvent(
            payload, subject: "ledger", time: range.time, actor: EventOwner.funding.rawValue, cause: range.cause)
    }

    /// Adds entries to the balances by class of account.
    /// - Returns: every class's balance with them, in cents.
    private static func add(
        _ entries: [LedgerChain.Entry], in session: PostgresTransaction
    ) async throws -> [String: Int64] {
        var moved: [String: Int64] = [:]
        for entry in entries {
            moved[entry.debitKind, default: 0] -= entry.cents
            moved[entry.creditKind, default: 0] += entry.cents
        }
        let kinds = moved.keys.sorted()
        try await session.enqueue(
            """
            insert into checkpoint_balances as c (kind, balance_cents)
            select * from unnest(\(kinds), \(kinds.map { moved[$0] ?? 0 }))
            on conflict (kind) do update set balance_cents = c.balance_cents + excluded.balance_cents
            """)
        var balances = Dictionary(uniqueKeysWithValues: LedgerAccount.classes.map { ($0, Int64(0)) })
        for row in try await session.query("select kind, balance_cents from checkpoint_balances") {
            balances[try row.get("kind")] = try row.get("balance_cents")
        }
        return balances
    }
}
