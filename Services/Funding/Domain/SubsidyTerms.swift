package import CofundingRules

/// What is given.
package enum SubsidyNature: String, Sendable, CaseIterable {
    case money = "aide en numéraire"
    case kind = "aide en nature"
}

/// How it is paid.
package enum PaymentConditions: Sendable, Equatable {
    case single
    case staged
    /// In words: the format's «autre» stands for a free text, which is written in its place.
    case other(String)

    var text: String {
        switch self {
        case .single: "unique"
        case .staged: "échelonné"
        case .other(let words): words
        }
    }

    init(text: String) {
        switch text {
        case "unique": self = .single
        case "échelonné": self = .staged
        default: self = .other(text)
        }
    }
}

/// The day of the one payment, or from which day to which there are payments.
///
/// The schema on schema.data.gouv.fr separates the two days by a slash, as ISO 8601 does, and its validator takes
/// nothing else; the older example of etalab/format-subventions has a low line there. A slash is written and read.
package struct PaymentPeriod: Sendable, Equatable {
    package let first: CalendarDay
    package let last: CalendarDay

    package init(first: CalendarDay, last: CalendarDay) {
        self.first = first
        self.last = last
    }

    package init(on day: CalendarDay) { self.init(first: day, last: day) }

    var text: String { first == last ? "\(first)" : "\(first)/\(last)" }

    /// nil for anything that `text` does not write.
    init?(text: String) {
        let days = text.split(separator: "/", omittingEmptySubsequences: false).map { CalendarDay($0) }
        guard let first = days.first ?? nil, let last = days.last ?? nil, days.count <= 2 else { return nil }
        self.init(first: first, last: last)
        guard self.text == text else { return nil }
    }
}

/// The part of a subsidy that one beneficiary gets.
///
/// The format defines it as the percentage of the subsidy's total amount that is attributed to the beneficiary, written
/// as a decimal number from 0 to 1: 1 for a single beneficiary, 0.45 for 45 %. It is *not* the part of the project's
/// cost that the funder bears, nor the funder's part beside co-funders: publishers have read it in both those ways, and
/// readers have counted amounts twice for it. Here it is the beneficiary's cents over the agreement's granted cents,
/// nothing else.
///
/// It is kept in 1/10,000,000,000 and always rounded down: a part never claims more than it is, and the parts of one
/// agreement never sum to more than the whole. With ten decimals the cents can be had back exactly from a total of up
/// to 100 million euros, by `cents(of:)`.
package struct SubsidyShare: Sendable, Hashable, Comparable {
    package static let whole: Int64 = 10_000_000_000
    static let decimals = 10

    /// From 0 to `whole`.
    package let value: Int64

    /// nil unless the part is from 0 to the total, and the total above 0.
    package init?(_ cents: Int64, of totalCents: Int64) {
        guard totalCents > 0, (0...totalCents).contains(cents) else { return nil }
        value = Int64(Int128(cents) * Int128(Self.whole) / Int128(totalCents))
    }

    /// nil for anything that `text` does not write.
    init?(text: String) {
        guard let value = FixedPoint.units(text, decimals: Self.decimals), value <= Self.whole else { return nil }
        self.value = value
    }

    var text: String {
        let (ones, rest) = value.quotientAndRemainder(dividingBy: Self.whole)
        let digits = String(rest)
        return "\(ones).\(String(repeating: "0", count: Self.decimals - digits.count))\(digits)"
    }

    /// The cents that this is the part of, rounded up, which undoes the rounding down: exact for a total of up to
    /// 10,000,000,000 cents, never above the total.
    /// - Parameter totalCents: from 0.
    package func cents(of totalCents: Int64) -> Int64 {
        Int64((Int128(totalCents) * Int128(value) + Int128(Self.whole - 1)) / Int128(Self.whole))
    }

    package static func < (left: SubsidyShare, right: SubsidyShare) -> Bool { left.value < right.value }
}
