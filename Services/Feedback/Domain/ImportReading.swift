import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Reads the cells of one line and collects everything that is wrong with them.
struct ImportReading {
    let sheet: ImportSheet
    /// As many as there are headings.
    let cells: [String]
    private(set) var faults: [ImportFault] = []

    private var mapping: ImportMapping { sheet.mapping }

    init(sheet: ImportSheet, cells: [String]) {
        self.sheet = sheet
        self.cells = cells
    }

    /// nil when something that it needs is at fault.
    mutating func answer() -> ImportAnswer? {
        let finess = readFiness()
        let experiment = readExperiment(at: finess)
        let participant = readPerson(mapping.participant, at: "/data/participant")
        let instrument = readText(mapping.instrument, at: "/data/instrument")
        let version = mapping.instrumentVersion.flatMap { readText($0, at: "/data/instrumentVersion") }
        let occasion = readText(mapping.occasion, at: "/data/occasion")
        let answeredAt = readMoment()
        let levels = mapping.items.compactMap { readLevel($0) }
        let id = mapping.id.flatMap { readPerson(ImportMapping.Source(column: $0), at: "/id") }
        guard let experiment, let participant, let instrument, let occasion, let answeredAt else { return nil }
        return ImportAnswer(
            id: id, finess: finess?.text, experiment: experiment, participant: participant, instrument: instrument,
            instrumentVersion: version, occasion: occasion, answeredAt: answeredAt, levels: levels,
            comment: mapping.comment.flatMap { cell($0).isEmpty ? nil : cell($0) })
    }

    private func cell(_ column: String) -> String { sheet.places[column].map { cells[$0] } ?? "" }

    private mutating func fail(
        _ reason: Refusal.Reason = .invalidField, at field: String? = nil, _ column: String?, _ mend: ImportWords
    ) {
        faults.append(ImportFault(reason, at: field, column: column, cell: column.map { cell($0) }, mend))
    }

    /// Text that names something.
    private mutating func readText(_ source: ImportMapping.Source, at field: String) -> String? {
        if let value = source.value { return value }
        guard let column = source.column else { return nil }
        let text = cell(column)
        guard !text.isEmpty else {
            fail(at: field, column, ImportWords("une valeur manque ici", "a value is missing here"))
            return nil
        }
        return source.values?[text] ?? text
    }

    /// Text that names a person or an answer: by the site's code, or the source's own number.
    private mutating func readPerson(_ source: ImportMapping.Source, at field: String) -> String? {
        guard let text = readText(source, at: field) else { return nil }
        guard !IdentifierMask.holdsRegisterNumber(text) else {
            fail(
                .forbiddenIdentifier, at: field, source.column,
                ImportWords(
                    "c’est un identifiant national, dont rien n’est gardé ; mettez le code remis par le site",
                    "this is a national identifier, of which nothing is kept; put the code that the site gave out"))
            return nil
        }
        return text
    }

    private mutating func readFiness() -> Finess? {
        guard let column = mapping.finess else { return nil }
        guard let finess = Finess(cell(column)) else {
            fail(
                at: nil, column,
                ImportWords(
                    "un numéro FINESS a neuf caractères ; un tableur enlève parfois le zéro du début",
                    "a FINESS number has nine characters; spreadsheets drop a zero at the beginning"))
            return nil
        }
        guard sheet.experiments[finess] == nil else { return finess }
        let isMistyped = !finess.isKeyRight
        fail(
            .unknownEstablishment, column,
            ImportWords(
                isMistyped
                    ? "aucun établissement n’a sans doute ce numéro : sa clé est fausse"
                    : "la correspondance ne connaît pas cet établissement ; publiez-en une version qui le nomme",
                isMistyped
                    ? "no establishment is likely to have this number: its key is wrong"
                    : "the mapping does not know this establishment; publish a version that names it"))
        return nil
    }

    /// - Parameter finess: nil where the file does not tell establishments, or this one is at fault.
    private mutating func readExperiment(at finess: Finess?) -> UUID? {
        let known = finess.flatMap { sheet.experiments[$0] }
        guard let source = mapping.experiment else { return known?.first }
        guard let text = readText(source, at: "/data/experiment") else { return nil }
        guard let experiment = UUID(uuidString: text) else {
            fail(
                at: "/data/experiment", source.column,
                ImportWords("l’identifiant d’une expérimentation est un UUID", "an experiment's id is a UUID"))
            return nil
        }
        if let known, !known.contains(experiment) {
            fail(
                .unknownEstablishment, at: "/data/experiment", source.column ?? mapping.finess,
                ImportWords(
                    "d’après la correspondance, cet établissement ne mène pas cette expérimentation",
                    "by the mapping this establishment does not run this experiment"))
            return nil
        }
        return experiment
    }

    private mutating func readMoment() -> Date? {
        let moment = mapping.answeredAt
        if let instant = moment.format.instant(cell(moment.column), secondOfDay: sheet.secondOfDay) { return instant }
        fail(
            at: "/time", moment.column,
            ImportWords(
                "une date existante de la forme \(moment.format.rawValue) est attendue",
                "a date that exists is expected, as \(moment.format.rawValue)"))
        return nil
    }

    /// nil where the item was left out.
    private mutating func readLevel(_ item: ImportMapping.Item) -> ImportAnswer.Level? {
        let text = cell(item.column)
        guard !text.isEmpty, !sheet.missing.contains(text) else { return nil }
        if let level = Int(item.values?[text] ?? text) { return ImportAnswer.Level(linkId: item.linkId, level: level) }
        fail(
            at: "/data/items/\(item.linkId)", item.column,
            ImportWords(
                "un nombre entier est attendu, ou un mot que la correspondance traduit",
                "a whole number is expected, or a word that the mapping translates"))
        return nil
    }
}
