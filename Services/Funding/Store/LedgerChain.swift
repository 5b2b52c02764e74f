import Crypto
import Events
import Postgres

import struct FoundationEssentials.UUID

/// The bytes of the hash chain over the ledger, for us and for whoever checks it with a program of their own.
///
/// An entry is hashed as one line of ASCII, its fields separated by single spaces: number, instant in microseconds
/// since 1970, debited account's kind and owner, credited account's kind and owner, amount, cumulated debits of the one
/// and credits of the other with this entry, reason, command, event. UUIDs are in lower case.
///
/// A block is hashed as the line `maillage-ledger-block-1`, then a line each of number, hash of the block before in
/// hexadecimal digits (64 zeros for the first), position after which it begins, last position, and count of entries;
/// each line ends with a line feed; then the 32 bytes of every entry's hash, in the order of the numbers.
enum LedgerChain {
    /// One entry with its hash.
    struct Entry: Sendable {
        let number: Int64
        /// Of the event that tells it, in our log.
        let position: Int64
        let debitKind: String
        let creditKind: String
        let cents: Int64
        let digest: SHA256.Digest

        /// What the block keeps of it, to find an edit by its entry.
        var mark: [UInt8] { Array(digest.prefix(LedgerChain.markBytes)) }
    }

    /// Which events' entries a block has, and what it follows.
    struct Frame: Sendable {
        let number: Int64
        let previousHash: [UInt8]
        let after: Int64
        let upTo: Int64
    }

    static let markBytes = 8
    static let hashBytes = 32
    static let beginning = [UInt8](repeating: 0, count: hashBytes)

    /// The hash of a block, entry by entry.
    struct Hasher: Sendable {
        private let frame: Frame
        private let entryCount: Int64
        private var hash = SHA256()

        /// - Parameter entryCount: how many will be added.
        init(_ frame: Frame, entryCount: Int64) {
            self.frame = frame
            self.entryCount = entryCount
            let head = """
                maillage-ledger-block-1
                \(frame.number)
                \(LedgerChain.digits(frame.previousHash))
                \(frame.after)
                \(frame.upTo)
                \(entryCount)

                """
            hash.update(data: Array(head.utf8))
        }

        mutating func add(_ entry: Entry) { entry.digest.withUnsafeBytes { hash.update(bufferPointer: $0) } }

        consuming func finish() -> [UInt8] { Array(hash.finalize()) }
    }

    /// Reads the entries that the events behind `position` up to `end` tell, page by page, each event once.
    /// - Parameter rest: what is done behind each page, told when it began.
    /// - Returns: in the order of their numbers, which is not always that of their events.
    static func entries(
        after position: Int64, upTo end: Int64, in session: some PostgresSession,
        rest: (ContinuousClock.Instant) async throws -> Void = { _ in }
    ) async throws -> [Entry] {
        var (entries, last): ([Entry], Int64) = ([], position)
        while last < end {
            let start = ContinuousClock.now
            let pageEnd = min(last + pagePositionCount, end)
            for row in try await session.query(page(after: last, upTo: pageEnd)) { entries.append(try Entry(row)) }
            last = pageEnd
            try await rest(start)
        }
        return entries.sorted { $0.number < $1.number }
    }

    /// In hexadecimal, in lower case.
    static func digits(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static let pagePositionCount: Int64 = 256

    /// Laterals behind a fence (`offset 0`, `limit 1`) are looked up row by row, whatever the planner believes of how
    /// many there are: without, it walks through all of the ledger for each page.
    private static func page(after last: Int64, upTo end: Int64) -> PostgresQuery {
        """
        select e.position, t.id, (extract(epoch from t.at) * 1000000)::bigint as at_microseconds,
            d.kind as debit_kind, d.owner as debit_owner, c.kind as credit_kind, c.owner as credit_owner,
            t.amount_cents, t.debit_after_cents, t.credit_after_cents, t.reason, t.command_id, t.event
        from events e
        cross join lateral (select * from transfers where event = e.id offset 0) t
        cross join lateral (select kind, owner from accounts where id = t.debit_account limit 1) d
        cross join lateral (select kind, owner from accounts where id = t.credit_account limit 1) c
        where e.position > \(last) and e.position <= \(end)
        """
    }
}

extension LedgerChain.Entry {
    fileprivate init(_ row: PostgresRow) throws(PostgresError) {
        number = try row.get("id")
        position = try row.get("position")
        debitKind = try row.get("debit_kind")
        creditKind = try row.get("credit_kind")
        cents = try row.get("amount_cents")
        let fields: [String] = [
            "\(number)", "\(try row.get("at_microseconds", as: Int64.self))",
            debitKind, try row.get("debit_owner", as: UUID.self).lowercase,
            creditKind, try row.get("credit_owner", as: UUID.self).lowercase,
            "\(cents)", "\(try row.get("debit_after_cents", as: Int64.self))",
            "\(try row.get("credit_after_cents", as: Int64.self))", try row.get("reason"), try row.get("command_id"),
            try row.get("event", as: UUID.self).lowercase,
        ]
        digest = SHA256.hash(data: Array(fields.joined(separator: " ").utf8))
    }
}
