/// Amounts as published tables write them: euros with a decimal point and always two decimals.
enum EuroText {
    /// - Parameter cents: not negative.
    static func text(_ cents: Int64) -> String {
        let (euros, rest) = cents.quotientAndRemainder(dividingBy: 100)
        return "\(euros).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// nil for anything that `text` does not write.
    static func cents(_ text: String) -> Int64? {
        guard let cents = FixedPoint.units(text, decimals: 2), cents <= Checks.centsMax else { return nil }
        return cents
    }
}

/// Numbers with a fixed number of decimals, read without floating point.
enum FixedPoint {
    /// `12.50` with two decimals is 1250. nil for anything else than digits, a point, and so many digits: no sign, no
    /// zeros before, nothing above `Int64`.
    static func units(_ text: String, decimals: Int) -> Int64? {
        let bytes = Array(text.utf8)
        let point = bytes.count - decimals - 1
        let zero = UInt8(ascii: "0")
        guard point > 0, bytes[point] == UInt8(ascii: "."), point == 1 || bytes[0] != zero else { return nil }
        var units: Int64 = 0
        for (index, byte) in bytes.enumerated() where index != point {
            guard (zero...zero + 9).contains(byte) else { return nil }
            let (tenfold, isAbove) = units.multipliedReportingOverflow(by: 10)
            let (sum, isAboveStill) = tenfold.addingReportingOverflow(Int64(byte - zero))
            guard !isAbove, !isAboveStill else { return nil }
            units = sum
        }
        return units
    }
}
