/// What is wrong with an instrument that somebody wants to publish.
package struct InstrumentFlaw: Error, Sendable, Equatable {
    /// JSON pointer into the document.
    package let field: String
    package let expected: String

    package init(_ field: String, expected: String) {
        self.field = field
        self.expected = expected
    }
}

extension Instrument {
    package static let itemsCountMax = 100
    package static let scalesCountMax = 20
    private static let levelMax = 1_000
    private static let factorMax = 1_000

    /// Whether it can be scored as it stands; bounds keep every score within 32 bits.
    package func checkPublishable() throws(InstrumentFlaw) {
        try Self.checkCode(name, "/name", lengthMax: 64)
        try Self.checkCode(version, "/version", lengthMax: 32)
        try Self.checkText(title, "/title", lengthMax: 200)
        try Self.checkLine(source, "/source", lengthMax: 500)
        guard (1...Self.itemsCountMax).contains(items.count) else {
            throw InstrumentFlaw("/items", expected: "1 to \(Self.itemsCountMax) items")
        }
        var seen: Set<String> = []
        for (index, item) in items.enumerated() {
            try Self.check(item, "/items/\(index)")
            guard seen.insert(item.linkId).inserted else {
                throw InstrumentFlaw("/items/\(index)/linkId", expected: "a link id that no other item has")
            }
        }
        guard scales.count <= Self.scalesCountMax else {
            throw InstrumentFlaw("/scales", expected: "at most \(Self.scalesCountMax) scales")
        }
        var names: Set<String> = []
        for (index, scale) in scales.enumerated() {
            try check(scale, "/scales/\(index)")
            guard names.insert(scale.name).inserted else {
                throw InstrumentFlaw("/scales/\(index)/name", expected: "a name that no other scale has")
            }
        }
    }

    private static func check(_ item: Item, _ field: String) throws(InstrumentFlaw) {
        try checkCode(item.linkId, field + "/linkId", lengthMax: 64)
        if let text = item.text { try checkText(text, field + "/text", lengthMax: 1_000) }
        guard let levels = item.levels else { return }
        guard abs(levels.min.clamped) <= levelMax, abs(levels.max.clamped) <= levelMax, levels.min < levels.max else {
            throw InstrumentFlaw(
                field + "/levels", expected: "min below max, both from -\(levelMax) to \(levelMax)")
        }
        guard levels.step >= 1, (levels.max - levels.min).isMultiple(of: levels.step) else {
            throw InstrumentFlaw(field + "/levels/step", expected: "a step from 1 that leads from min to max")
        }
    }

    private func check(_ scale: InstrumentScale, _ field: String) throws(InstrumentFlaw) {
        try Self.checkCode(scale.name, field + "/name", lengthMax: 64)
        try Self.checkLine(scale.unit, field + "/unit", lengthMax: 100)
        guard scale.method != .valueSet, scale.valueSet == nil else {
            throw InstrumentFlaw(field + "/method", expected: "sum or mean; value sets are built in")
        }
        guard (1...Self.factorMax).contains(scale.factor) else {
            throw InstrumentFlaw(field + "/factor", expected: "1 to \(Self.factorMax)")
        }
        let scored = scale.items.compactMap { id in items.first { $0.linkId == id }?.levels }
        guard !scale.items.isEmpty, scored.count == scale.items.count, Set(scale.items).count == scale.items.count
        else { throw InstrumentFlaw(field + "/items", expected: "link ids of items with levels, each once") }
        guard Set(scale.reversed).isSubset(of: scale.items) else {
            throw InstrumentFlaw(field + "/reversed", expected: "link ids of the scale's own items")
        }
        switch scale.missing {
        case .none: break
        case .neutral:
            guard let neutral = scale.neutralLevel, scored.allSatisfy({ $0.contains(neutral) }) else {
                throw InstrumentFlaw(field + "/neutralLevel", expected: "a level that every item of the scale has")
            }
        case .mean:
            guard let answered = scale.answeredMin, (1...scale.items.count).contains(answered) else {
                throw InstrumentFlaw(field + "/answeredMin", expected: "1 to \(scale.items.count) items")
            }
        }
    }

    private static func checkText(_ text: Text, _ field: String, lengthMax: Int) throws(InstrumentFlaw) {
        try checkLine(text.fr, field + "/fr", lengthMax: lengthMax)
        try checkLine(text.en, field + "/en", lengthMax: lengthMax)
    }

    private static func checkLine(_ text: String, _ field: String, lengthMax: Int) throws(InstrumentFlaw) {
        let scalars = text.unicodeScalars
        guard scalars.count <= lengthMax, !text.allSatisfy(\.isWhitespace),
            scalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { throw InstrumentFlaw(field, expected: "1 to \(lengthMax) characters on one line") }
    }

    /// Compared byte by byte, and part of addresses.
    private static func checkCode(_ text: String, _ field: String, lengthMax: Int) throws(InstrumentFlaw) {
        let isCode = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
        }
        guard isCode, (1...lengthMax).contains(text.utf8.count) else {
            throw InstrumentFlaw(field, expected: "1 to \(lengthMax) letters, digits or any of -._")
        }
    }
}

extension Int {
    /// Near enough to be compared, and never without an absolute value.
    fileprivate var clamped: Int { Swift.max(-1_000_000, Swift.min(1_000_000, self)) }
}
