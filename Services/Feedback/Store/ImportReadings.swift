import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// An import as its publisher sees it.
struct ImportRecord: Sendable, Encodable {
    /// What became of some lines, or what would.
    struct Tally: Sendable, Encodable {
        let lines: Int
        let accepted: Int
        let duplicate: Int
        let waiting: Int
        let refused: Int
    }

    struct Range: Sendable, Encodable {
        let firstLine: Int
        let lastLine: Int
        let tally: Tally
    }

    struct Phase: Sendable, Encodable {
        let tally: Tally
        let refusedByReason: [String: Int]
        /// At most fifty, each of many steps.
        let ranges: [Range]
        /// Of the first hundred lines that have any.
        let errors: [ImportFinding]
        /// In `errors` and beyond, as far as they are kept.
        let errorsCount: Int
    }

    struct Rejection: Sendable, Encodable {
        let reason: String
        let line: Int
        let mend: ImportFinding.Mend
    }

    let id: String
    let publisher: String
    let mapping: String
    let mappingVersion: Int
    let edition: Int
    let state: ImportState
    let charset: String
    let separator: String?
    let byteCount: Int
    /// Of them, judged in this phase.
    let bytesDone: Int
    let createdAt: Date
    let previewedAt: Date?
    let committedAt: Date?
    let rejection: Rejection?
    let preview: Phase?
    let commit: Phase?
}

struct ImportSummary: Sendable, Encodable {
    let id: String
    let position: Int64
    let mapping: String
    let mappingVersion: Int
    let edition: Int
    let state: ImportState
    let byteCount: Int
    let createdAt: Date
}

/// What is shown of imports.
struct ImportReadings: Sendable {
    private static let rangeCountMax = 50
    private static let errorLineCountMax = 100
    /// A line may have many.
    private static let errorCountMax = 500

    let pool: PostgresPool

    /// - Returns: nil for one that is not this publisher's.
    func find(_ id: UUID, of publisher: String) async throws -> ImportRecord? {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            let rows = try await transaction.query(
                """
                select mapping, mapping_version, edition, state, charset, separator, byte_count, next_byte, created_at,
                    previewed_at, committed_at, rejection, rejection_line, mend_fr, mend_en
                from imports where import = \(id) and publisher = \(publisher)
                """)
            guard let row = rows.first else { return nil }
            return try await record(id, publisher, row, in: transaction)
        }
    }

    private func record(
        _ id: UUID, _ publisher: String, _ row: PostgresRow, in session: some PostgresSession
    ) async throws -> ImportRecord {
        var rejection: ImportRecord.Rejection?
        if let reason: String = try row.get("rejection") {
            rejection = ImportRecord.Rejection(
                reason: reason, line: Int(try row.get("rejection_line", as: Int32.self)),
                mend: ImportFinding.Mend(fr: try row.get("mend_fr"), en: try row.get("mend_en")))
        }
        let preview = try await phase(.preview, of: id, in: session)
        let commit = try await phase(.commit, of: id, in: session)
        return ImportRecord(
            id: id.lowercase, publisher: publisher, mapping: try row.get("mapping"),
            mappingVersion: Int(try row.get("mapping_version", as: Int32.self)),
            edition: Int(try row.get("edition", as: Int32.self)), state: try row.get("state"),
            charset: try row.get("charset"), separator: try row.get("separator"), byteCount: try row.get("byte_count"),
            bytesDone: try row.get("next_byte"),
            createdAt: try row.get("created_at"),
            previewedAt: try row.get("previewed_at"), committedAt: try row.get("committed_at"), rejection: rejection,
            preview: preview, commit: commit)
    }

    /// nil before its first step.
    private func phase(
        _ phase: ImportPhase, of id: UUID, in session: some PostgresSession
    ) async throws(PostgresError) -> ImportRecord.Phase? {
        let rows = try await session.query(
            """
            select min(first_line) as first_line, max(last_line) as last_line, sum(lines_count) as lines,
                sum(accepted) as accepted, sum(duplicates) as duplicates, sum(waiting) as waiting,
                sum(refused) as refused
            from (
                select *, ntile(\(Int32(Self.rangeCountMax))) over (order by first_line) as tile from import_ranges
                where import = \(id) and phase = \(phase.rawValue)
            ) as tiled
            group by tile order by tile
            """)
        guard !rows.isEmpty else { return nil }
        var ranges: [ImportRecord.Range] = []
        for row in rows {
            let tally = ImportRecord.Tally(
                lines: try row.get("lines"), accepted: try row.get("accepted"), duplicate: try row.get("duplicates"),
                waiting: try row.get("waiting"), refused: try row.get("refused"))
            ranges.append(
                ImportRecord.Range(
                    firstLine: Int(try row.get("first_line", as: Int32.self)),
                    lastLine: Int(try row.get("last_line", as: Int32.self)), tally: tally))
        }
        var reasons: [String: Int] = [:]
        let counts = try await session.query(
            "select reason, lines_count from import_reasons where import = \(id) and phase = \(phase.rawValue)")
        for row in counts { reasons[try row.get("reason")] = Int(try row.get("lines_count", as: Int32.self)) }
        let errors = try await session.query(
            "select count(*) as n from import_errors where import = \(id) and phase = \(phase.rawValue)")
        return ImportRecord.Phase(
            tally: Self.sum(ranges), refusedByReason: reasons, ranges: ranges,
            errors: try await firstErrors(phase, of: id, in: session), errorsCount: try errors.first?.get("n") ?? 0)
    }

    private static func sum(_ ranges: [ImportRecord.Range]) -> ImportRecord.Tally {
        ImportRecord.Tally(
            lines: ranges.reduce(0) { $0 + $1.tally.lines }, accepted: ranges.reduce(0) { $0 + $1.tally.accepted },
            duplicate: ranges.reduce(0) { $0 + $1.tally.duplicate },
            waiting: ranges.reduce(0) { $0 + $1.tally.waiting }, refused: ranges.reduce(0) { $0 + $1.tally.refused })
    }

    private func firstErrors(
        _ phase: ImportPhase, of id: UUID, in session: some PostgresSession
    ) async throws(PostgresError) -> [ImportFinding] {
        try findings(
            await session.query(
                """
                select line, number, column_name, value_class, outcome, reason, mend_fr, mend_en from import_errors
                where import = \(id) and phase = \(phase.rawValue) and line in (
                    select distinct line from import_errors where import = \(id) and phase = \(phase.rawValue)
                    order by line limit \(Self.errorLineCountMax)
                )
                order by line, number limit \(Self.errorCountMax)
                """)
        ).map(\.finding)
    }

    /// Where a page of errors ends.
    struct ErrorPlace: Sendable {
        var line: Int32 = 0
        var number: Int32 = 0
    }

    /// In the order of the file.
    func errors(
        _ phase: ImportPhase, of id: UUID, after place: ErrorPlace, limit: Int
    ) async throws(PostgresError) -> [(place: ErrorPlace, finding: ImportFinding)] {
        try findings(
            await pool.query(
                """
                select line, number, column_name, value_class, outcome, reason, mend_fr, mend_en from import_errors
                where import = \(id) and phase = \(phase.rawValue)
                    and (line, number) > (\(place.line), \(place.number))
                order by line, number limit \(limit)
                """))
    }

    private func findings(
        _ rows: PostgresRows
    ) throws(PostgresError) -> [(place: ErrorPlace, finding: ImportFinding)] {
        var findings: [(place: ErrorPlace, finding: ImportFinding)] = []
        for row in rows {
            let place = ErrorPlace(line: try row.get("line"), number: try row.get("number"))
            let finding = ImportFinding(
                line: Int(place.line), column: try row.get("column_name"), value: try row.get("value_class"),
                outcome: try row.get("outcome"), reason: try row.get("reason"),
                mend: ImportFinding.Mend(fr: try row.get("mend_fr"), en: try row.get("mend_en")))
            findings.append((place, finding))
        }
        return findings
    }

    /// Newest first.
    func list(of publisher: String, before position: Int64?, limit: Int) async throws(PostgresError) -> [ImportSummary]
    {
        let rows = try await pool.query(
            """
            select import, position, mapping, mapping_version, edition, state, byte_count, created_at from imports
            where publisher = \(publisher) and (\(position) is null or position < \(position))
            order by position desc limit \(limit)
            """)
        var summaries: [ImportSummary] = []
        for row in rows {
            summaries.append(
                ImportSummary(
                    id: try row.get("import", as: UUID.self).lowercase, position: try row.get("position"),
                    mapping: try row.get("mapping"),
                    mappingVersion: Int(try row.get("mapping_version", as: Int32.self)),
                    edition: Int(try row.get("edition", as: Int32.self)), state: try row.get("state"),
                    byteCount: try row.get("byte_count"), createdAt: try row.get("created_at")))
        }
        return summaries
    }
}
