import struct FoundationEssentials.UUID

/// What is wrong with a mapping that somebody wants to publish.
package struct ImportMappingFlaw: Error, Sendable, Equatable {
    /// JSON pointer into the document.
    package let field: String
    package let expected: String

    package init(_ field: String, expected: String) {
        self.field = field
        self.expected = expected
    }
}

/// How the columns of a publisher's files become events. Immutable once published, under its name and version.
package struct ImportMapping: Sendable, Equatable, Codable {
    /// Where a text comes from: a column, with its words translated, or always the same.
    package struct Source: Sendable, Equatable, Codable {
        package var column: String?
        package var value: String?
        /// What the file's words mean; others stay as they are.
        package var values: [String: String]?

        package init(column: String? = nil, value: String? = nil, values: [String: String]? = nil) {
            self.column = column
            self.value = value
            self.values = values
        }
    }

    /// An establishment and what it tries out.
    package struct Establishment: Sendable, Equatable, Codable {
        package var finess: String
        package var experiments: [String]

        package init(finess: String, experiments: [String]) {
            self.finess = finess
            self.experiments = experiments
        }
    }

    package struct Moment: Sendable, Equatable, Codable {
        package var column: String
        package var format: LocalTimeFormat
        /// Of a day without a time, `12:00` unless said otherwise.
        package var hour: String?

        package init(column: String, format: LocalTimeFormat, hour: String? = nil) {
            self.column = column
            self.format = format
            self.hour = hour
        }
    }

    package struct Item: Sendable, Equatable, Codable {
        package var column: String
        package var linkId: String
        package var values: [String: String]?

        package init(column: String, linkId: String, values: [String: String]? = nil) {
            self.column = column
            self.linkId = linkId
            self.values = values
        }
    }

    package var about: String?
    /// A column that names each answer for ever; without it an answer's name is what it says.
    package var id: String?
    /// The column with the establishment's number.
    package var finess: String?
    package var establishments: [Establishment]?
    /// May be left out where each establishment has one experiment.
    package var experiment: Source?
    package var participant: Source
    package var occasion: Source
    package var instrument: Source
    /// Left out, the protocol's version is taken.
    package var instrumentVersion: Source?
    package var answeredAt: Moment
    package var items: [Item]
    /// What stands in a cell of an item that was left out, besides nothing.
    package var missing: [String]?
    /// A column of free text.
    package var comment: String?

    package init(
        participant: Source, occasion: Source, instrument: Source, answeredAt: Moment, items: [Item]
    ) {
        self.participant = participant
        self.occasion = occasion
        self.instrument = instrument
        self.answeredAt = answeredAt
        self.items = items
    }

    /// Every column that a file needs, each once.
    package var columns: [String] {
        let sources = [experiment, participant, occasion, instrument, instrumentVersion].compactMap { $0?.column }
        var seen: Set<String> = []
        return ([id, finess, comment].compactMap { $0 } + sources + [answeredAt.column] + items.map(\.column))
            .filter { seen.insert($0).inserted }
    }

    /// Numbers whose last digit is no key of the others: allowed, and worth a second look.
    package var doubtfulEstablishments: [String] {
        (establishments ?? []).compactMap { Finess($0.finess) }.filter { !$0.isKeyRight }.map(\.text)
    }
}

// MARK: Checks

extension ImportMapping {
    package static let establishmentsCountMax = 2_000
    package static let itemsCountMax = 100
    private static let experimentsCountMax = 20
    private static let wordsCountMax = 200
    private static let textBytesMax = 200

    /// Names become parts of identities and of addresses.
    package static func checkName(_ name: String) throws(ImportMappingFlaw) {
        let isAllowed = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isAllowed, (2...40).contains(name.utf8.count) else {
            throw ImportMappingFlaw("name", expected: "2 to 40 of a-z, 0-9 and -")
        }
    }

    package func check() throws(ImportMappingFlaw) {
        for (field, text) in [("/about", about), ("/id", id), ("/finess", finess), ("/comment", comment)] {
            if let text { try Self.checkText(text, field) }
        }
        try checkEstablishments()
        let sources = [
            ("/experiment", experiment), ("/participant", participant), ("/occasion", occasion),
            ("/instrument", instrument), ("/instrumentVersion", instrumentVersion),
        ]
        for (field, source) in sources { if let source { try Self.check(source, field) } }
        guard participant.column != nil else {
            throw ImportMappingFlaw("/participant/column", expected: "a column: each line is somebody's")
        }
        if let value = experiment?.value, UUID(uuidString: value) == nil {
            throw ImportMappingFlaw("/experiment/value", expected: "a UUID")
        }
        try Self.checkText(answeredAt.column, "/answeredAt/column")
        if let hour = answeredAt.hour, LocalTimeFormat.secondOfDay(hour) == nil {
            throw ImportMappingFlaw("/answeredAt/hour", expected: "an hour such as 12:00")
        }
        try checkItems()
    }

    private func checkEstablishments() throws(ImportMappingFlaw) {
        let establishments = establishments ?? []
        guard (finess == nil) == establishments.isEmpty else {
            throw ImportMappingFlaw(
                finess == nil ? "/finess" : "/establishments",
                expected: "a column of FINESS numbers and the establishments that may stand in it, or neither")
        }
        guard finess != nil || experiment != nil else {
            throw ImportMappingFlaw("/experiment", expected: "an experiment, or establishments that tell it")
        }
        guard establishments.count <= Self.establishmentsCountMax else {
            throw ImportMappingFlaw("/establishments", expected: "at most \(Self.establishmentsCountMax)")
        }
        var seen: Set<Finess> = []
        for (index, establishment) in establishments.enumerated() {
            let field = "/establishments/\(index)"
            guard let finess = Finess(establishment.finess), seen.insert(finess).inserted else {
                throw ImportMappingFlaw(field + "/finess", expected: "a FINESS number of nine characters, once")
            }
            let countMax = experiment == nil ? 1 : Self.experimentsCountMax
            guard (1...countMax).contains(establishment.experiments.count) else {
                throw ImportMappingFlaw(
                    field + "/experiments",
                    expected: experiment == nil
                        ? "one experiment, since no column tells which" : "1 to \(countMax) experiments")
            }
            for (place, id) in establishment.experiments.enumerated() where UUID(uuidString: id) == nil {
                throw ImportMappingFlaw(field + "/experiments/\(place)", expected: "a UUID")
            }
        }
    }

    private func checkItems() throws(ImportMappingFlaw) {
        guard items.count <= Self.itemsCountMax, !items.isEmpty || comment != nil else {
            throw ImportMappingFlaw("/items", expected: "1 to \(Self.itemsCountMax) items, or a comment")
        }
        var (columns, linkIds): (Set<String>, Set<String>) = ([], [])
        for (index, item) in items.enumerated() {
            try Self.checkText(item.column, "/items/\(index)/column")
            try Self.checkText(item.linkId, "/items/\(index)/linkId", bytesMax: 64)
            try Self.checkWords(item.values, "/items/\(index)/values")
            guard columns.insert(item.column).inserted else {
                throw ImportMappingFlaw("/items/\(index)/column", expected: "a column that no other item has")
            }
            guard linkIds.insert(item.linkId).inserted else {
                throw ImportMappingFlaw("/items/\(index)/linkId", expected: "a link id that no other item has")
            }
        }
        guard (missing ?? []).count <= Self.wordsCountMax,
            (missing ?? []).allSatisfy({ $0.utf8.count <= Self.textBytesMax })
        else { throw ImportMappingFlaw("/missing", expected: "at most \(Self.wordsCountMax) short texts") }
    }

    private static func check(_ source: Source, _ field: String) throws(ImportMappingFlaw) {
        guard (source.column == nil) != (source.value == nil) else {
            throw ImportMappingFlaw(field, expected: "a column or a value, one of both")
        }
        if let column = source.column { try checkText(column, field + "/column") }
        if let value = source.value { try checkText(value, field + "/value", bytesMax: 64) }
        try checkWords(source.values, field + "/values")
    }

    private static func checkWords(_ words: [String: String]?, _ field: String) throws(ImportMappingFlaw) {
        guard let words else { return }
        guard words.count <= wordsCountMax,
            words.allSatisfy({ $0.key.utf8.count <= textBytesMax && $0.value.utf8.count <= textBytesMax })
        else { throw ImportMappingFlaw(field, expected: "at most \(wordsCountMax) short words and what they mean") }
    }

    private static func checkText(
        _ text: String, _ field: String, bytesMax: Int = textBytesMax
    ) throws(ImportMappingFlaw) {
        guard (1...bytesMax).contains(text.utf8.count), text.trimmed == text,
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw ImportMappingFlaw(
                field, expected: "1 to \(bytesMax) bytes of text in one line, without spaces around it")
        }
    }
}

extension StringProtocol {
    /// Without white space around it, of which spreadsheets leave every kind.
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }
}
