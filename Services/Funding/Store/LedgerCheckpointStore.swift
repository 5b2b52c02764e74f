import Events
import FundingDomain
import Outbox
import Postgres

/// The ledger's part of a checkpoint of the log: its entries are sealed, and whoever sums the money up from the events
/// can compare.
enum LedgerCheckpointStore {
    /// - Returns: nothing when no money moved since the last one.
    static func events(_ range: CheckpointRange, in session: PostgresTransaction) async throws -> [NewEvent] {
        var events: [NewEvent] = []
        if let block = try await LedgerBlockStore.seal(upTo: range.upTo, at: range.time, in: session) {
            events.append(
                event(
                    LedgerSealed(
                        block: block.frame.number, position: block.frame.upTo, entryCount: block.entryCount,
                        hash: LedgerChain.digits(block.hash)),
                    range))
        }
        guard try await add(range, in: session) > 0 else { return events }
        var balances = Dictionary(uniqueKeysWithValues: LedgerAccount.classes.map { ($0, Int64(0)) })
        for row in try await session.query("select kind, balance_cents from checkpoint_balances") {
            balances[try row.get("kind")] = try row.get("balance_cents")
        }
        events.append(event(LedgerCheckpointed(position: range.upTo, balancesCents: balances), range))
        return events
    }

    private static func event(_ payload: some EventPayload, _ range: CheckpointRange) -> NewEvent {
        NewEvent(
            payload, subject: "ledger", time: range.time, actor: EventOwner.funding.rawValue, cause: range.cause)
    }

    /// Adds the transfers that the events of the range tell. They committed with them, so all are here.
    /// - Returns: how many they are.
    private static func add(_ range: CheckpointRange, in session: some PostgresSession) async throws -> Int64 {
        let rows = try await session.query(
            """
            with booked as (
                select t.debit_account, t.credit_account, t.amount_cents
                from events as e join transfers as t on t.event = e.id
                where e.position > \(range.after) and e.position <= \(range.upTo)
            ), moved as (
                select a.kind, -b.amount_cents as cents from booked as b join accounts as a on a.id = b.debit_account
                union all
                select a.kind, b.amount_cents from booked as b join accounts as a on a.id = b.credit_account
            ), summed as (
                insert into checkpoint_balances as c (kind, balance_cents)
                select kind, sum(cents)::bigint from moved group by kind order by kind
                on conflict (kind) do update set balance_cents = c.balance_cents + excluded.balance_cents
            )
            select count(*) as transfer_count from booked
            """)
        return try rows.first?.get("transfer_count") ?? 0
    }
}
