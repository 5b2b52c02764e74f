import Events
import Outbox
import Postgres

/// Seals entries of the ledger into blocks of the hash chain.
enum LedgerBlockStore {
    /// A block as it is kept.
    struct Block: Sendable {
        let frame: LedgerChain.Frame
        let entryCount: Int64
        let marks: [UInt8]
        let hash: [UInt8]
    }

    /// Makes a block of the entries behind the last one, up to the end of a checkpoint's range: below it no transaction
    /// is open. The caller holds the lock of the checkpoint, so there is one sealer at a time.
    /// - Returns: nil when there is no entry.
    static func seal(
        _ range: CheckpointRange, in session: some PostgresSession
    ) async throws -> (block: Block, entries: [LedgerChain.Entry])? {
        let last = try await last(in: session)
        let frame = LedgerChain.Frame(
            number: (last?.frame.number ?? 0) + 1, previousHash: last?.hash ?? LedgerChain.beginning,
            after: last?.frame.upTo ?? 0, upTo: range.upTo)
        guard frame.upTo > frame.after else { return nil }
        // Between the last block and this range no money moved; before the first block nobody looked.
        let entries = try await LedgerChain.entries(
            after: last == nil ? 0 : max(frame.after, range.after), upTo: frame.upTo, in: session,
            rest: CheckpointRange.rest(since:))
        guard let lastEntry = entries.last?.number else { return nil }
        var hasher = LedgerChain.Hasher(frame, entryCount: Int64(entries.count))
        for entry in entries { hasher.add(entry) }
        let block = Block(
            frame: frame, entryCount: Int64(entries.count), marks: entries.flatMap(\.mark), hash: hasher.finish())
        try await session.query(
            """
            insert into ledger_blocks (number, after_position, up_to_position, entry_count, last_entry, entry_marks,
                previous_hash, hash, sealed_at)
            values (\(frame.number), \(frame.after), \(frame.upTo), \(block.entryCount), \(lastEntry), \(block.marks),
                \(frame.previousHash), \(block.hash), \(range.time))
            """)
        return (block, entries)
    }

    /// In the order of their numbers.
    static func blocks(
        after number: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [Block] {
        try await session.query(
            "select * from ledger_blocks where number > \(number) order by number limit \(limit)"
        ).map { try Self.block($0) }
    }

    private static func last(in session: some PostgresSession) async throws -> Block? {
        try await session.query("select * from ledger_blocks order by number desc limit 1").first.map { try block($0) }
    }

    private static func block(_ row: PostgresRow) throws -> Block {
        Block(
            frame: LedgerChain.Frame(
                number: try row.get("number"), previousHash: try row.get("previous_hash"),
                after: try row.get("after_position"), upTo: try row.get("up_to_position")),
            entryCount: try row.get("entry_count"), marks: try row.get("entry_marks"), hash: try row.get("hash"))
    }
}
