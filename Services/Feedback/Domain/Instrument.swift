/// A questionnaire as data: which items it has, which levels count, and how the answers become whole numbers. Immutable
/// once published; the protocol names name and version.
package struct Instrument: Sendable, Equatable, Codable {
    package struct Key: Hashable, Sendable {
        package let name: String
        package let version: String

        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// In both languages of the programme.
    package struct Text: Sendable, Equatable, Codable {
        package var fr: String
        package var en: String

        package init(fr: String, en: String) {
            self.fr = fr
            self.en = en
        }
    }

    package struct Levels: Sendable, Equatable, Codable {
        package var min: Int
        package var max: Int
        package var step: Int

        package init(min: Int, max: Int, step: Int = 1) {
            self.min = min
            self.max = max
            self.step = step
        }

        package func contains(_ level: Int) -> Bool {
            // Checked for the range first: the difference of any two whole numbers may not exist.
            min <= level && level <= max && (level - min).isMultiple(of: step)
        }
    }

    package struct Item: Sendable, Equatable, Codable {
        /// Names the item for ever, as in FHIR.
        package var linkId: String
        /// nil for free text, which travels as the comment.
        package var levels: Levels?
        /// Of instruments whose wording may be shown without a licence.
        package var text: Text?
        package var mayBeMissing: Bool

        package init(linkId: String, levels: Levels?, text: Text? = nil, mayBeMissing: Bool = false) {
            self.linkId = linkId
            self.levels = levels
            self.text = text
            self.mayBeMissing = mayBeMissing
        }
    }

    package var name: String
    package var version: String
    package var title: Text
    /// In the order of the answers.
    package var items: [Item]
    /// The first is the main one; none for free text.
    package var scales: [InstrumentScale]
    /// Where the rules are published.
    package var source: String

    package init(
        _ key: Key, title: Text, items: [Item], scales: [InstrumentScale], source: String
    ) {
        name = key.name
        version = key.version
        self.title = title
        self.items = items
        self.scales = scales
        self.source = source
    }

    package var key: Key { Key(name: name, version: version) }
    package var valueSet: String? { scales.lazy.compactMap(\.valueSet).first }
}

/// How some items become one whole number.
package struct InstrumentScale: Sendable, Equatable, Codable {
    package enum Method: String, Sendable, Codable, CaseIterable {
        /// `factor` times the sum of what each level is above its item's lowest; of a reverse-coded item, below its
        /// highest.
        case sum
        /// `factor` times the mean of the levels, reverse-coded ones mirrored; half to even.
        case mean
        /// By a published value set; never rounded.
        case valueSet = "value-set"
    }

    /// What happens when an item was left out.
    package enum MissingRule: String, Sendable, Codable, CaseIterable {
        /// There is no score.
        case none
        /// It counts as `neutralLevel`.
        case neutral
        /// It counts as the mean of the others, if at least `answeredMin` were answered.
        case mean
    }

    package var name: String
    /// What one of the score is, such as `tenths of a point`.
    package var unit: String
    package var method: Method
    package var factor: Int
    /// Link ids.
    package var items: [String]
    package var reversed: [String]
    package var missing: MissingRule
    package var neutralLevel: Int?
    package var answeredMin: Int?
    package var valueSet: String?

    package init(
        _ name: String, unit: String, method: Method, factor: Int = 1, items: [String], reversed: [String] = [],
        missing: MissingRule = .none
    ) {
        self.name = name
        self.unit = unit
        self.method = method
        self.factor = factor
        self.items = items
        self.reversed = reversed
        self.missing = missing
    }
}

/// The scores of one response, each a whole number in its scale's unit.
package struct InstrumentScores: Sendable, Equatable {
    /// Of the first scale; nil where the rules give none: the response counts all the same.
    package var main: Int?
    /// Of the others that have one.
    package var further: [String: Int]
    package var valueSet: String?

    package init(main: Int? = nil, further: [String: Int] = [:], valueSet: String? = nil) {
        self.main = main
        self.further = further
        self.valueSet = valueSet
    }
}
