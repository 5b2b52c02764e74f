/// Euro amounts between whole cents and the decimals of a message, without a binary fraction between them.
enum Cents {
    static let expected = "an amount of digits with a point and at most two decimals"

    /// `1234` is `12.34`. From 0.
    static func decimal(_ cents: Int64) -> String {
        let (euros, rest) = cents.quotientAndRemainder(dividingBy: 100)
        return "\(euros).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// nil unless it is digits, and after a point one or two more; nil where the cents do not fit `Int64`.
    static func parse(_ decimal: String) -> Int64? {
        var cents: Int64 = 0
        var decimals: Int?
        var digitCount = 0
        for byte in decimal.utf8 {
            if byte == UInt8(ascii: ".") {
                guard decimals == nil, digitCount > 0 else { return nil }
                decimals = 0
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), decimals != 2,
                let sum = appending(Int64(byte - UInt8(ascii: "0")), to: cents)
            else { return nil }
            cents = sum
            digitCount += 1
            if let count = decimals { decimals = count + 1 }
        }
        guard digitCount > 0, decimals != 0 else { return nil }
        for _ in 0..<(2 - (decimals ?? 0)) {
            guard let sum = appending(0, to: cents) else { return nil }
            cents = sum
        }
        return cents
    }

    private static func appending(_ digit: Int64, to number: Int64) -> Int64? {
        let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
        let (sum, overflowsAgain) = tenfold.addingReportingOverflow(digit)
        return overflows || overflowsAgain ? nil : sum
    }
}
