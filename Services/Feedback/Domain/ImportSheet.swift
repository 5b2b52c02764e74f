package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What a line says, once it can be read.
package struct ImportAnswer: Sendable, Equatable {
    package struct Level: Sendable, Equatable {
        package let linkId: String
        package let level: Int
    }

    /// From the column that names answers, if there is one.
    package var id: String?
    package var finess: String?
    package var experiment: UUID
    package var participant: String
    package var instrument: String
    package var instrumentVersion: String?
    package var occasion: String
    package var answeredAt: Date
    /// In the mapping's order, without what was left out.
    package var levels: [Level]
    package var comment: String?
}

/// A line of a file, read.
package struct ImportLine: Sendable {
    /// In the file, from 1.
    package let number: Int
    package let raw: [UInt8]
    /// nil where the bytes are none of the charset's.
    package let cells: [String]?
    /// nil when there are faults.
    package let answer: ImportAnswer?
    /// In the order of the columns.
    package let faults: [ImportFault]
    /// What may be kept of it, in UTF-8: its cells, each masked by itself, since a number is not told from its
    /// neighbours by a comma. Of a line without faults nothing is.
    package let kept: [UInt8]

    init(_ record: CSVRecord, cells: [String]?, answer: ImportAnswer? = nil, faults: [ImportFault], kept: [UInt8] = [])
    {
        number = record.line
        raw = record.raw
        self.cells = cells
        self.answer = answer
        self.faults = faults
        self.kept = kept
    }

    /// A line that nobody looks into any more, because looking may be what ends the process.
    package init(unread record: CSVRecord) { self.init(record, cells: nil, faults: []) }
}

/// A file's headings under a mapping: reads one line after the other.
package struct ImportSheet: Sendable {
    /// What a file begins with, as far as it was found out.
    package struct Beginning: Sendable, Equatable {
        package let separator: UInt8
        package let charset: CSVCharset
        package let header: [String]
        /// Where the first line after the headings begins.
        package let place: CSVPlace

        package init(separator: UInt8, charset: CSVCharset, header: [String], place: CSVPlace) {
            self.separator = separator
            self.charset = charset
            self.header = header
            self.place = place
        }
    }

    private static let separators = [UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "\t")]
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    let mapping: ImportMapping
    let header: [String]
    let charset: CSVCharset
    let places: [String: Int]
    let experiments: [Finess: [UUID]]
    let missing: Set<String>
    let secondOfDay: Int

    package init(_ mapping: ImportMapping, header: [String], charset: CSVCharset) {
        self.mapping = mapping
        self.header = header
        self.charset = charset
        places = Dictionary(header.enumerated().map { ($1, $0) }) { first, _ in first }
        var experiments: [Finess: [UUID]] = [:]
        for establishment in mapping.establishments ?? [] {
            guard let finess = Finess(establishment.finess) else { continue }
            experiments[finess] = establishment.experiments.compactMap { UUID(uuidString: $0) }
        }
        self.experiments = experiments
        missing = Set(mapping.missing ?? [])
        secondOfDay = mapping.answeredAt.hour.flatMap { LocalTimeFormat.secondOfDay($0) } ?? 43_200
    }

    /// Finds charset, separator and headings: the separator is the one by which the mapping's columns are there.
    /// - Parameters:
    ///   - bytes: the file's first, a record and more of them.
    ///   - isWhole: whether these are all bytes of the file.
    package static func begin(
        _ bytes: [UInt8], isWhole: Bool, charset told: CSVCharset, _ mapping: ImportMapping
    ) throws(ImportRejection) -> Beginning {
        let hasMark = bytes.starts(with: byteOrderMark)
        let charset = hasMark ? .utf8 : told
        let start = CSVPlace(byte: hasMark ? byteOrderMark.count : 0)
        let columns = mapping.columns
        var (fewest, rejection): (Int, ImportRejection) = (columns.count + 1, .empty)
        for separator in separators {
            var reader = CSVReader(separator: separator, from: start)
            reader.append(bytes[start.byte...])
            if isWhole { reader.finish() }
            let record: CSVRecord?
            do throws(CSVBreak) { record = try first(&reader) } catch {
                // Under another separator the quotation marks may stand elsewhere, if it finds a column at all.
                if fewest > columns.count { (fewest, rejection) = (columns.count, ImportRejection(error)) }
                continue
            }
            guard let record else { continue }
            guard let header = header(record, charset) else { throw .notText }
            let missing = columns.filter { !header.contains($0) }
            if missing.isEmpty {
                let repeated = columns.first { name in header.count { $0 == name } > 1 }
                if let repeated { throw .repeated(repeated) }
                return Beginning(separator: separator, charset: charset, header: header, place: reader.place)
            }
            if missing.count < fewest { (fewest, rejection) = (missing.count, .missing(missing)) }
        }
        throw rejection
    }

    /// Empty lines before the headings are skipped.
    private static func first(_ reader: inout CSVReader) throws(CSVBreak) -> CSVRecord? {
        while let record = try reader.next() {
            if !record.isBlank { return record }
        }
        return nil
    }

    private static func header(_ record: CSVRecord, _ charset: CSVCharset) -> [String]? {
        var header: [String] = []
        for field in record.fields {
            guard let name = charset.text(field) else { return nil }
            header.append(name.trimmed)
        }
        return header
    }

    // MARK: Lines

    package func read(_ record: CSVRecord) -> ImportLine {
        var cells: [String] = []
        for (index, field) in record.fields.enumerated() {
            guard let text = charset.text(field) else {
                let column = index < header.count ? header[index] : nil
                return ImportLine(record, cells: nil, faults: [undecodable(column)], kept: kept(record))
            }
            cells.append(text.trimmed)
        }
        // Spreadsheets end lines with separators that mean nothing.
        while cells.count > header.count, cells.last?.isEmpty ?? false { cells.removeLast() }
        if let fault = formFault(record, cells.count) {
            return ImportLine(record, cells: cells, faults: [fault], kept: kept(record))
        }
        var reading = ImportReading(sheet: self, cells: cells)
        let answer = reading.answer()
        guard !reading.faults.isEmpty else { return ImportLine(record, cells: cells, answer: answer, faults: []) }
        return ImportLine(record, cells: cells, faults: reading.faults, kept: kept(record))
    }

    private func kept(_ record: CSVRecord) -> [UInt8] {
        let cells = record.fields.map { field in
            "\"\(IdentifierMask.mask(text(field)).replacing("\"", with: "\"\""))\""
        }
        return Array(cells.joined(separator: ";").utf8)
    }

    /// Bytes that are none of the file's charset are nearly always Windows-1252, of which few are nothing; or text that
    /// was cut within a character, whose identifiers are written as the charset writes them: of that nothing is kept.
    private func text(_ field: [UInt8]) -> String {
        if let text = charset.text(field) { return text }
        guard IdentifierMask.mask(field, upTo: field.count) == field else { return IdentifierMask.mark }
        return CSVCharset.windows1252.text(field) ?? IdentifierMask.mark
    }

    private func undecodable(_ column: String?) -> ImportFault {
        let mend = ImportWords(
            "cette ligne n’est pas en \(charset.rawValue) ; enregistrez en « CSV UTF-8 » ou annoncez l’encodage",
            "this line is not in \(charset.rawValue); save as “CSV UTF-8”, or tell the charset")
        return ImportFault(
            column: column, valueClass: .undecodable, refusal: Refusal(.malformedLine, mend: mend.english), mend: mend)
    }

    private func formFault(_ record: CSVRecord, _ count: Int) -> ImportFault? {
        if record.hasTextAfterQuote {
            return ImportFault(
                .malformedLine, column: nil, cell: nil,
                ImportWords(
                    "du texte suit un guillemet fermant ; doublez les guillemets à l’intérieur d’une valeur",
                    "text follows a closing quotation mark; write quotation marks within a value twice"))
        }
        guard count != header.count else { return nil }
        return ImportFault(
            .malformedLine, column: nil, cell: nil,
            ImportWords(
                "la ligne a \(count) champs, l’en-tête en a \(header.count)",
                "the line has \(count) fields, the headings have \(header.count)"))
    }

    /// The column that a refusal of the intake is about.
    /// - Parameter linkIds: of the instrument's items, in their order.
    package func column(of refusal: Refusal, linkIds: [String]) -> String? {
        guard let field = refusal.field else { return nil }
        switch field {
        case "/id": return mapping.id
        case "/time": return mapping.answeredAt.column
        case "/data/experiment": return mapping.experiment?.column ?? mapping.finess
        case "/data/participant": return mapping.participant.column
        case "/data/occasion": return mapping.occasion.column
        case "/data/instrument": return mapping.instrument.column
        case "/data/instrumentVersion": return mapping.instrumentVersion?.column
        case "/data/comment": return mapping.comment
        default:
            let last = String(field.split(separator: "/").last ?? "")
            let linkId: String
            if field.hasPrefix("/data/answers/"), let index = Int(last), linkIds.indices.contains(index) {
                linkId = linkIds[index]
            } else {
                linkId = last
            }
            return mapping.items.first { $0.linkId == linkId }?.column
        }
    }

    package func valueClass(of column: String?, in line: ImportLine) -> ValueClass? {
        guard let place = column.flatMap({ places[$0] }), let cells = line.cells, place < cells.count else {
            return nil
        }
        return ValueClass(of: cells[place])
    }
}
