import Events
import Postgres

import struct FoundationEssentials.UUID

/// The blocks of funding's ledger as they were when they were sealed.
enum LedgerSealStore {
    struct Seal: Sendable {
        let block: Int64
        /// In hexadecimal digits.
        let hash: String
    }

    static func keep(_ seal: LedgerSealed, event: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into ledger_seals (block, hash, entry_count, position, event_id)
            values (\(seal.block), \(seal.hash), \(seal.entryCount), \(seal.position), \(event))
            on conflict do nothing
            """)
    }

    /// In the order of the blocks.
    static func all(in session: some PostgresSession) async throws -> [Seal] {
        try await session.query("select block, hash from ledger_seals order by block, received_at").map { row in
            Seal(block: try row.get("block"), hash: try row.get("hash"))
        }
    }
}
