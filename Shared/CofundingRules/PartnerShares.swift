/// The shares of partners in one amount.
package enum PartnerShares {
    /// Splits an amount in proportion to weights, in whole cents that sum to it exactly.
    ///
    /// Each share is rounded down, and what is left over goes, a cent each, to the largest remainders; of equal ones to
    /// the earlier partner. So a share is the exact one or one of the two whole cents around it, and where the amount
    /// is not above the sum of the weights, no share is above its weight. Exact for every `Int64`: products and sums
    /// are kept in 128 bits.
    ///
    /// - Parameters:
    ///   - cents: from 0.
    ///   - weights: of the partners, in their order, from 0, and one above 0 unless there is nothing to split.
    /// - Throws: `negativeAmount` for `cents` or, with its place, a weight (`weights/1`); `emptyInput` without weights;
    ///   `invalidInput` where all weights are 0.
    package static func split(_ cents: Int64, by weights: [Int64]) throws(CofundingRulesError) -> [Int64] {
        guard cents >= 0 else { throw .negativeAmount(field: "cents") }
        if weights.isEmpty { throw .emptyInput(field: "weights") }
        if let index = weights.firstIndex(where: { $0 < 0 }) { throw .negativeAmount(field: "weights/\(index)") }
        let total = weights.reduce(Int128(0)) { $0 + Int128($1) }
        guard total > 0 else {
            if cents == 0 { return weights }
            throw .invalidInput(field: "weights", expected: "one above 0")
        }
        var shares: [Int64] = []
        var remainders: [(index: Int, value: Int128)] = []
        for (index, weight) in weights.enumerated() {
            let (share, remainder) = (Int128(cents) * Int128(weight)).quotientAndRemainder(dividingBy: total)
            // At most `cents`, because the weight is at most the total.
            shares.append(Int64(share))
            remainders.append((index, remainder))
        }
        // The remainders sum to a whole multiple of the total, and each is below it: there are more partners with a
        // remainder than cents left, so that nobody without one gets a cent.
        let left = Int(cents - shares.reduce(0, +))
        remainders.sort { ($1.value, $0.index) < ($0.value, $1.index) }
        for remainder in remainders.prefix(left) { shares[remainder.index] += 1 }
        return shares
    }
}
