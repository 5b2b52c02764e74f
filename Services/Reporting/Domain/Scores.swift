/// Means and net scores from whole numbers.
package enum Scores {
    package static let systemUsability = "SUS"
    package static let netPromoter = "NPS"

    /// Below this number of persons a cell is hidden from readers other than ministry and operator: "aucune case ne
    /// doit concerner moins de 11 unités" (CASD).
    package static let shownCountMin: Int64 = 11

    /// The mean in the instrument's own points; nil without scores.
    package static func mean(_ tally: ResponseTally, instrument: String) -> String? {
        let unitsPerPoint: Int64 = instrument == systemUsability ? 10 : 1
        return ratio(tally.scoreSum, to: tally.scoredCount * unitsPerPoint)
    }

    /// `(promoters − detractors) / n` in percentage points; nil for other instruments and without scores.
    package static func netScore(_ tally: ResponseTally, instrument: String) -> String? {
        guard instrument == netPromoter else { return nil }
        return ratio(100 * (tally.promoterCount - tally.detractorCount), to: tally.scoredCount)
    }

    /// A quotient with two decimal places, half away from zero; nil when there is nothing to divide by.
    package static func ratio(_ numerator: Int64, to denominator: Int64) -> String? {
        guard denominator > 0 else { return nil }
        let hundredths = (abs(numerator) * 200 + denominator) / (2 * denominator)
        let places = hundredths % 100
        let sign = numerator < 0 && hundredths > 0 ? "-" : ""
        return "\(sign)\(hundredths / 100).\(places < 10 ? "0" : "")\(places)"
    }
}
