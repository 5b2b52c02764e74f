package import struct FoundationEssentials.Date

/// The co-funding rules of the call, as data: `rule-set.published` carries one, and every service that computes a
/// grant maps it onto this value, so that all of them come to the same cent.
///
/// The texts behind it contradict each other on ceilings and dates, so nothing of them is a constant in code; what is
/// fixed here is the form of the two rules. As announced (essor-centrevaldeloire.org, page 925): animation of the
/// third place up to 50 % of the forecast budget and a ceiling by typology of 375,000 to 1,500,000 €; experiment up to
/// 50 % of its overall budget and 300,000 €. The typology is that of the consortium's lead.
package struct CofundingRuleSet: Sendable, Equatable {
    /// Name and version, such as `aap-tle-2022`; 1 to 64 characters of `a-z`, `0-9`, `-`, `.`.
    package let name: String
    /// In force from this instant until the next rule set's.
    package let validFrom: Date
    package let animationRate: BasisPoints
    /// In cents per structure type of the consortium's lead.
    package let animationCeilingCents: [String: Int64]
    package let experimentRate: BasisPoints
    package let experimentCeilingCents: Int64
    /// Where the rules are published; every derivation cites it.
    package let source: String

    package static let structureTypeCountMax = 64
    package static let sourceLengthMax = 300

    /// - Throws: `CofundingRulesError.invalidRuleSet` with the field at fault, in the names of `rule-set.published`.
    package init(
        name: String, validFrom: Date, animation: RateAndCeilings, experiment: RateAndCeiling, source: String
    ) throws(CofundingRulesError) {
        guard Self.isName(name) else { throw .invalidRuleSet(field: "ruleSet", expected: Self.nameExpected) }
        guard let animationRate = BasisPoints(animation.basisPoints), animationRate.value > 0 else {
            throw .invalidRuleSet(field: "animationRateBasisPoints", expected: "1 to 10000")
        }
        guard let experimentRate = BasisPoints(experiment.basisPoints), experimentRate.value > 0 else {
            throw .invalidRuleSet(field: "experimentRateBasisPoints", expected: "1 to 10000")
        }
        guard (1...Self.structureTypeCountMax).contains(animation.ceilingCents.count),
            animation.ceilingCents.allSatisfy({ !$0.key.isEmpty && $0.key.utf8.count <= 64 && $0.value > 0 })
        else {
            throw .invalidRuleSet(
                field: "animationCeilingCents", expected: "1 to 64 structure types, each with a ceiling above 0")
        }
        guard experiment.ceilingCents > 0 else {
            throw .invalidRuleSet(field: "experimentCeilingCents", expected: "more than 0")
        }
        guard (1...Self.sourceLengthMax).contains(source.count) else {
            throw .invalidRuleSet(field: "source", expected: "1 to 300 characters: where the rules are published")
        }
        self.name = name
        self.validFrom = validFrom
        self.animationRate = animationRate
        self.animationCeilingCents = animation.ceilingCents
        self.experimentRate = experimentRate
        self.experimentCeilingCents = experiment.ceilingCents
        self.source = source
    }

    static let nameExpected = "1 to 64 characters of a-z, 0-9, - and ."

    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isNameByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}

/// Rate in 1/10,000 of the budget, and one ceiling in cents.
package struct RateAndCeiling: Sendable, Equatable {
    package var basisPoints: Int
    package var ceilingCents: Int64

    package init(basisPoints: Int, ceilingCents: Int64) {
        self.basisPoints = basisPoints
        self.ceilingCents = ceilingCents
    }
}

/// Rate in 1/10,000 of the budget, and a ceiling in cents per structure type.
package struct RateAndCeilings: Sendable, Equatable {
    package var basisPoints: Int
    package var ceilingCents: [String: Int64]

    package init(basisPoints: Int, ceilingCents: [String: Int64]) {
        self.basisPoints = basisPoints
        self.ceilingCents = ceilingCents
    }
}

extension Collection<CofundingRuleSet> {
    /// The rule set whose `validFrom` is the latest that is not after the instant; nil before the first one.
    package func inForce(at instant: Date) -> CofundingRuleSet? {
        filter { $0.validFrom <= instant }.max { ($0.validFrom, $0.name) < ($1.validFrom, $1.name) }
    }
}
