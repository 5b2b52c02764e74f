import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

enum ImportState: String, Sendable, Encodable {
    case receiving, previewing, previewed, committing, committed, rejected, expired
}

enum ImportPhase: String, Sendable {
    case preview, commit
}

/// An import under its lock, as far as the next step needs it.
struct ImportWork: Sendable {
    /// Of every chunk but the last.
    static let chunkBytes = 65_536
    /// More than the longest record, wherever it begins.
    private static let chunkCount = 4

    let id: UUID
    let origin: ImportOrigin
    let mapping: ImportMapping
    let phase: ImportPhase
    private let byteCount: Int
    private var charset: CSVCharset
    private var separator: UInt8?
    private var header: [String]
    private(set) var place: CSVPlace
    var errorCount: Int
    private var first: CSVPlace?

    /// - Returns: nil when there is nothing to do. Waits for a replica that works on it.
    static func lock(_ id: UUID, in session: some PostgresSession) async throws -> ImportWork? {
        let rows = try await session.query(
            """
            select i.publisher, i.mapping, i.edition, i.charset, i.state, i.byte_count, i.separator,
                coalesce(i.header, '{}') as header, i.next_byte, i.next_line, i.errors_count, m.document
            from imports as i
            join import_mappings as m
                on m.publisher = i.publisher and m.name = i.mapping and m.version = i.mapping_version
            where i.import = \(id) and i.state in ('previewing', 'committing')
            for update of i
            """)
        return try rows.first.map { try ImportWork(id, $0) }
    }

    private init(_ id: UUID, _ row: PostgresRow) throws {
        self.id = id
        origin = ImportOrigin(
            publisher: try row.get("publisher"), mapping: try row.get("mapping"),
            edition: Int(try row.get("edition", as: Int32.self)))
        mapping = try WireCoding.decode(ImportMapping.self, from: Array(try row.get("document", as: String.self).utf8))
        phase = try row.get("state", as: ImportState.self) == .committing ? .commit : .preview
        byteCount = try row.get("byte_count")
        charset = try row.get("charset")
        separator = try row.get("separator", as: String?.self)?.utf8.first
        header = try row.get("header")
        place = CSVPlace(byte: try row.get("next_byte"), line: Int(try row.get("next_line", as: Int32.self)))
        errorCount = Int(try row.get("errors_count", as: Int32.self))
    }

    /// What follows the last step, as much as a step may hold.
    func bytes(in session: some PostgresSession) async throws(PostgresError) -> (bytes: [UInt8], isLast: Bool) {
        let aligned = place.byte / Self.chunkBytes * Self.chunkBytes
        let rows = try await session.query(
            """
            select body from import_chunks where import = \(id) and first_byte >= \(aligned)
            order by first_byte limit \(Self.chunkCount)
            """)
        var bytes: [UInt8] = []
        for row in rows { bytes += try row.get("body", as: [UInt8].self) }
        return (Array(bytes.dropFirst(place.byte - aligned)), aligned + bytes.count >= byteCount)
    }

    /// In the first step it is found out.
    func beginning(_ bytes: [UInt8], isWhole: Bool) throws(ImportRejection) -> ImportSheet.Beginning {
        guard let separator else {
            return try ImportSheet.begin(bytes, isWhole: isWhole, charset: charset, mapping)
        }
        return ImportSheet.Beginning(separator: separator, charset: charset, header: header, place: place)
    }

    mutating func begin(_ beginning: ImportSheet.Beginning, at next: CSVPlace) {
        if separator == nil { first = beginning.place }
        (separator, charset, header, place) = (beginning.separator, beginning.charset, beginning.header, next)
    }

    /// Notes where the next step begins, or that there is none.
    func advance(isDone: Bool, now: Date, in session: some PostgresSession) async throws(PostgresError) {
        let separator = separator.map { String(decoding: [$0], as: UTF8.self) }
        let done: ImportState = phase == .preview ? .previewed : .committed
        try await session.query(
            """
            update imports set separator = \(separator), header = \(header), charset = \(charset.rawValue),
                first_byte = coalesce(first_byte, \(first?.byte)), first_line = coalesce(first_line, \(first?.line)),
                next_byte = \(place.byte), next_line = \(place.line), errors_count = \(errorCount),
                state = case when \(isDone) then \(done.rawValue) else state end,
                previewed_at = case when \(isDone) and \(phase == .preview) then \(now) else previewed_at end,
                committed_at = case when \(isDone) and \(phase == .commit) then \(now) else committed_at end,
                stepped_at = clock_timestamp(),
                attempts = case when \(isDone) then 0 else greatest(least(attempts - 2, 8), 0) end
            where import = \(id)
            """)
        guard isDone else { return }
        switch phase {
        case .preview: try await session.query("delete from import_seen where import = \(id)")
        case .commit: try await session.query("delete from import_chunks where import = \(id)")
        }
    }

    /// The file cannot be read: nothing of it is sent.
    func reject(_ rejection: ImportRejection, in session: some PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            update imports set state = 'rejected', rejection = \(rejection.reason.rawValue),
                rejection_line = \(rejection.line), mend_fr = \(rejection.mend.french),
                mend_en = \(rejection.mend.english), stepped_at = clock_timestamp()
            where import = \(id)
            """)
        try await session.query("delete from import_chunks where import = \(id)")
        try await session.query("delete from import_seen where import = \(id)")
    }
}
