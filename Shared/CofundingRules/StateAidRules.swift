/// The State-aid rules that bound what a beneficiary may get, as versioned data chosen by the day of the grant.
///
/// What is fixed here is the form: an intensity by kind of work, size and collaboration, and de minimis ceilings over a
/// window. Rates, bonuses, ceilings, windows and days of change are data with the text they come from.
package struct StateAidRules: Sendable, Equatable {
    /// Name and version, such as `gber-2014`; 1 to 64 characters of `a-z`, `0-9`, `-`, `.`.
    package let name: String
    /// In force from this day until the next rules' first.
    package let validFrom: CalendarDay
    package let intensities: AidIntensities
    /// In the order of their first days; no two cover the same day.
    package let deMinimis: [DeMinimisRegime]

    package static let deMinimisCountMax = 64

    /// - Parameter deMinimis: in any order.
    /// - Throws: `CofundingRulesError.invalidStateAidRules` with the field at fault.
    package init(
        name: String, validFrom: CalendarDay, intensities: AidIntensities, deMinimis: [DeMinimisRegime]
    ) throws(CofundingRulesError) {
        guard CofundingRuleSet.isName(name) else {
            throw .invalidStateAidRules(field: "name", expected: CofundingRuleSet.nameExpected)
        }
        let regimes = deMinimis.sorted { $0.from < $1.from }
        guard (1...Self.deMinimisCountMax).contains(regimes.count) else {
            throw .invalidStateAidRules(field: "deMinimis", expected: "1 to 64 regimes")
        }
        for (earlier, later) in zip(regimes, regimes.dropFirst()) {
            guard let until = earlier.until, until < later.from else {
                throw .invalidStateAidRules(
                    field: "deMinimis", expected: "an end of the regime before \(later.from), when the next begins,")
            }
        }
        self.name = name
        self.validFrom = validFrom
        self.intensities = intensities
        self.deMinimis = regimes
    }
}

extension Collection<StateAidRules> {
    /// The rules whose `validFrom` is the latest that is not after the day; nil before the first ones.
    package func inForce(on day: CalendarDay) -> StateAidRules? {
        filter { $0.validFrom <= day }.max { ($0.validFrom, $0.name) < ($1.validFrom, $1.name) }
    }
}
