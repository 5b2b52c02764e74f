import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// Why something cannot be done with an import.
enum ImportMistake: Error, Sendable, Equatable {
    case unknown
    case mappingUnknown
    /// So many are open already.
    case tooManyOpen(Int)
    case wrongState(ImportState)
}

/// Somebody's file, before it is there.
struct NewImport: Sendable {
    let publisher: String
    let mapping: String
    /// nil for the newest.
    let mappingVersion: Int?
    let edition: Int
    let charset: CSVCharset
}

/// Files that are imported: uploaded, committed, forgotten. What is done with them is ``ImportStepper``'s.
struct ImportStore: Sendable {
    /// Of one file.
    static let byteCountMax = 67_108_864
    /// Of one publisher's, whose bytes we hold.
    static let openCountMax = 10
    private static let secondsPerDay = 86_400.0
    /// Of bytes; findings live longer.
    private static let keptDays = 7.0
    private static let findingsKeptDays = 90.0
    /// Of an upload that was cut.
    private static let uploadSecondsMax = 3_600.0

    let pool: PostgresPool

    // MARK: Uploading

    func begin(_ new: NewImport, now: Date) async throws -> ImportUpload {
        let id = EventID.next()
        try await pool.withTransaction { transaction in
            // One after the other, so that they are counted.
            try await transaction.query("select from publishers where publisher = \(new.publisher) for update")
            let open = try await transaction.query(
                """
                select count(*) as n from imports where publisher = \(new.publisher)
                    and state in ('receiving', 'previewing', 'previewed', 'committing')
                """)
            guard let count: Int = try open.first?.get("n"), count < Self.openCountMax else {
                throw ImportMistake.tooManyOpen(Self.openCountMax)
            }
            let inserted = try await transaction.query(
                """
                insert into imports (import, publisher, mapping, mapping_version, edition, charset, state, created_at)
                select \(id), m.publisher, m.name, m.version, \(new.edition), \(new.charset.rawValue), 'receiving',
                    \(now)
                from import_mappings as m
                where m.publisher = \(new.publisher) and m.name = \(new.mapping)
                    and (\(new.mappingVersion) is null or m.version = \(new.mappingVersion))
                order by m.version desc limit 1
                """)
            guard inserted.affectedCount == 1 else { throw ImportMistake.mappingUnknown }
        }
        return ImportUpload(id: id, pool: pool)
    }

    /// Leaves nothing of an upload that was cut.
    func discard(_ id: UUID) async throws(PostgresError) {
        try await pool.query("delete from imports where import = \(id) and state = 'receiving'")
    }

    // MARK: Deciding

    /// Has every line sent. The same once more changes nothing.
    func commit(_ id: UUID, of publisher: String) async throws {
        let changed = try await pool.query(
            """
            update imports set state = 'committing', next_byte = first_byte, next_line = first_line, errors_count = 0,
                stepped_at = clock_timestamp()
            where import = \(id) and publisher = \(publisher) and state = 'previewed'
            """)
        guard changed.affectedCount == 0 else { return }
        let state = try await state(of: id, publisher)
        guard state == .committing || state == .committed else { throw ImportMistake.wrongState(state) }
    }

    /// Forgets a file that was not committed.
    func delete(_ id: UUID, of publisher: String) async throws {
        let deleted = try await pool.query(
            """
            delete from imports where import = \(id) and publisher = \(publisher)
                and state not in ('committing', 'committed')
            """)
        guard deleted.affectedCount == 0 else { return }
        throw ImportMistake.wrongState(try await state(of: id, publisher))
    }

    func state(of id: UUID, _ publisher: String) async throws -> ImportState {
        let rows = try await pool.query(
            "select state from imports where import = \(id) and publisher = \(publisher)")
        guard let row = rows.first else { throw ImportMistake.unknown }
        return try row.get("state")
    }

    // MARK: Forgetting

    /// Deletes what is kept no longer, a bounded part of it.
    /// - Returns: how many imports that was about.
    func forget(now: Date, limit: Int) async throws -> Int {
        let expired = now - Self.keptDays * Self.secondsPerDay
        let forgotten = now - Self.findingsKeptDays * Self.secondsPerDay
        let cut = now - Self.uploadSecondsMax
        return try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                update imports set state = 'expired' where import in (
                    select import from imports
                    where state in ('previewing', 'previewed', 'committing') and created_at < \(expired)
                    limit \(limit) for update skip locked
                ) returning import
                """)
            let ids: [UUID] = try rows.map { try $0.get("import") }
            try await transaction.query("delete from import_chunks where import = any(\(ids))")
            try await transaction.query("delete from import_seen where import = any(\(ids))")
            let deleted = try await transaction.query(
                """
                delete from imports where import in (
                    select import from imports
                    where state = 'receiving' and created_at < \(cut)
                        or state in ('committed', 'rejected', 'expired') and created_at < \(forgotten)
                    limit \(limit) for update skip locked
                )
                """)
            return ids.count + deleted.affectedCount
        }
    }
}

/// Takes a file's bytes in, in chunks of one size; memory holds one of them.
struct ImportUpload: Sendable {
    let id: UUID
    private let pool: PostgresPool
    private(set) var byteCount = 0
    private var chunk: [UInt8] = []

    init(id: UUID, pool: PostgresPool) {
        self.id = id
        self.pool = pool
        chunk.reserveCapacity(ImportWork.chunkBytes)
    }

    mutating func append(_ bytes: some Collection<UInt8>) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(ImportWork.chunkBytes - chunk.count)
            rest = rest.dropFirst(part.count)
            chunk.append(contentsOf: part)
            byteCount += part.count
            if chunk.count == ImportWork.chunkBytes { try await store() }
        }
    }

    /// From now on it is judged.
    mutating func finish() async throws {
        if !chunk.isEmpty { try await store() }
        let changed = try await pool.query(
            """
            update imports set state = 'previewing', byte_count = \(byteCount), stepped_at = clock_timestamp()
            where import = \(id) and state = 'receiving'
            """)
        guard changed.affectedCount == 1 else { throw ImportMistake.unknown }
    }

    private mutating func store() async throws {
        let firstByte = byteCount - chunk.count
        try await pool.query(
            "insert into import_chunks (import, first_byte, body) values (\(id), \(firstByte), \(chunk))")
        chunk.removeAll(keepingCapacity: true)
    }
}
