import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// Something that is wrong with a line, for whoever looks after the file.
struct ImportFinding: Sendable, Encodable {
    struct Mend: Sendable, Encodable {
        let fr: String
        let en: String
    }

    let line: Int
    let column: String?
    let value: String?
    let outcome: String
    let reason: String
    let mend: Mend
}

extension ImportFinding {
    init(line: Int, outcome: String, reason: String, _ words: ImportWords) {
        self.init(
            line: line, column: nil, value: nil, outcome: outcome, reason: reason,
            mend: Mend(fr: words.french, en: words.english))
    }

    init(line: Int, _ fault: ImportFault) {
        self.init(
            line: line, column: fault.column, value: fault.valueClass?.rawValue, outcome: "refused",
            reason: fault.refusal.reason.rawValue, mend: Mend(fr: fault.mend.french, en: fault.mend.english))
    }
}

/// What a step came to.
struct ImportFindings: Sendable {
    private(set) var accepted = 0
    private(set) var duplicates = 0
    private(set) var waiting = 0
    private(set) var refused = 0
    private(set) var reasons: [String: Int] = [:]
    private(set) var errors: [ImportFinding] = []
    private let lines: [ImportLine]

    /// - Parameter receipts: by the lines' places.
    init(
        _ receipts: [Int: FeedbackSubmission.Receipt], of lines: [ImportLine], sheet: ImportSheet,
        instruments: InstrumentCatalogue
    ) {
        self.lines = lines
        for (place, line) in lines.enumerated() {
            guard let receipt = receipts[place] else { continue }
            switch receipt.outcome {
            case .accepted: accepted += 1
            case .waiting: waiting += 1
            case .duplicate:
                duplicates += 1
                guard let reason = receipt.reason else { continue }
                errors.append(
                    ImportFinding(line: line.number, outcome: "duplicate", reason: reason, .refusedBefore(reason)))
            case .refused, .excluded:
                refused += 1
                reasons[receipt.reason ?? "", default: 0] += 1
                add(receipt, line, sheet: sheet, instruments)
            }
        }
    }

    /// All that is wrong with the line itself, or what the intake found.
    private mutating func add(
        _ receipt: FeedbackSubmission.Receipt, _ line: ImportLine, sheet: ImportSheet,
        _ instruments: InstrumentCatalogue
    ) {
        guard let reason = receipt.reason.flatMap({ Refusal.Reason(rawValue: $0) }) else { return }
        let refusal = Refusal(reason, at: receipt.field, mend: receipt.mend ?? "")
        guard line.faults.isEmpty || reason == .internalError else {
            for fault in line.faults {
                errors.append(ImportFinding(line: line.number, fault))
            }
            return
        }
        let column = sheet.column(of: refusal, linkIds: Self.linkIds(of: line.answer, instruments))
        let fault = ImportFault(
            column: column, valueClass: sheet.valueClass(of: column, in: line), refusal: refusal,
            mend: ImportWords(refusal))
        errors.append(ImportFinding(line: line.number, fault))
    }

    /// Of a line that does not tell the version, the first one's that is known: items keep their names.
    private static func linkIds(of answer: ImportAnswer?, _ instruments: InstrumentCatalogue) -> [String] {
        guard let answer else { return [] }
        let told = answer.instrumentVersion.flatMap { instruments[answer.instrument, $0] }
        return (told ?? instruments.versions(of: answer.instrument).first)?.items.map(\.linkId) ?? []
    }

    // MARK: Writing

    /// - Parameter errorCountMax: how many more are kept.
    /// - Returns: how many were.
    func write(
        to id: UUID, _ phase: ImportPhase, errorCountMax: Int, in session: some PostgresSession
    ) async throws(PostgresError) -> Int {
        guard let first = lines.first, let last = lines.last else { return 0 }
        try await session.query(
            """
            insert into import_ranges
                (import, phase, first_line, last_line, lines_count, accepted, duplicates, waiting, refused)
            values (\(id), \(phase.rawValue), \(first.number), \(last.number), \(lines.count), \(accepted),
                \(duplicates), \(waiting), \(refused))
            """)
        let slugs = reasons.keys.sorted()
        let counts = slugs.map { reasons[$0, default: 0] }
        try await session.query(
            """
            insert into import_reasons as r (import, phase, reason, lines_count)
            select \(id), \(phase.rawValue), k.* from unnest(\(slugs), \(counts)) as k
            on conflict (import, phase, reason) do update set lines_count = r.lines_count + excluded.lines_count
            """)
        let kept = Array(errors.prefix(max(0, errorCountMax)))
        guard !kept.isEmpty else { return 0 }
        try await write(kept, to: id, phase, in: session)
        return kept.count
    }

    private func write(
        _ errors: [ImportFinding], to id: UUID, _ phase: ImportPhase, in session: some PostgresSession
    ) async throws(PostgresError) {
        let (lines, columns, values) = (errors.map(\.line), errors.map(\.column), errors.map(\.value))
        let (outcomes, reasons) = (errors.map(\.outcome), errors.map(\.reason))
        let (french, english) = (errors.map(\.mend.fr), errors.map(\.mend.en))
        try await session.query(
            """
            insert into import_errors
                (import, phase, line, number, column_name, value_class, outcome, reason, mend_fr, mend_en)
            select \(id), \(phase.rawValue), k.line, k.number, k.column_name, k.value_class, k.outcome, k.reason,
                k.mend_fr, k.mend_en
            from unnest(\(lines), \(columns), \(values), \(outcomes), \(reasons), \(french), \(english))
                with ordinality
                as k (line, column_name, value_class, outcome, reason, mend_fr, mend_en, number)
            """)
    }
}
