/// A share in 1/10,000, from 0 to 10,000 (100 %).
package struct BasisPoints: Sendable, Hashable {
    package static let whole = 10_000

    package let value: Int

    /// nil outside 0...10,000: a share of public money never exceeds the whole.
    package init?(_ value: Int) {
        guard (0...Self.whole).contains(value) else { return nil }
        self.value = value
    }

    /// The share of an amount, rounded down to the cent, exact for every `Int64`: the product is kept in 128 bits.
    ///
    /// - Parameter cents: not negative.
    package func roundedDown(of cents: Int64) -> Int64 {
        precondition(cents >= 0, "a share is taken of an amount that is not negative")
        let product = UInt64(cents).multipliedFullWidth(by: UInt64(value))
        // The quotient is at most `cents`, because `value` is at most the divisor: it fits, and the division cannot
        // trap.
        return Int64(UInt64(Self.whole).dividingFullWidth(product).quotient)
    }
}
