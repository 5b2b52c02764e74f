/// A day of the civil calendar without time or zone, from 0001-01-01 to 9999-12-31.
///
/// A right to aid is conferred on a legal day in Europe/Paris: whoever has an instant converts it before it comes here.
package struct CalendarDay: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let year: Int
    /// From 1 to 12.
    package let month: Int
    /// From 1 to the length of the month.
    package let day: Int

    static let years = 1...9999

    /// nil where the Gregorian calendar has no such day, or the year has not one to four digits.
    package init?(year: Int, month: Int, day: Int) {
        guard Self.years.contains(year), (1...12).contains(month),
            (1...Self.dayCount(month: month, year: year)).contains(day)
        else { return nil }
        self.init(known: year, month, day)
    }

    /// - Parameter text: exactly `yyyy-MM-dd`, in ASCII digits; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        let hyphen = UInt8(ascii: "-")
        guard bytes.count == 10, bytes[4] == hyphen, bytes[7] == hyphen,
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
            let day = Self.number(bytes[8..<10])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// For days that are known to exist.
    init(known year: Int, _ month: Int, _ day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// `yyyy-MM-dd`, which sorts as the days do.
    package var description: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    /// The same day so many years on, or back where they are negative. 29 February becomes 28 February in a year that
    /// has none; what lies beyond the calendar's ends becomes the end.
    package func adding(years: Int) -> CalendarDay {
        let (sum, isOverflow) = year.addingReportingOverflow(years)
        guard !isOverflow, Self.years.contains(sum) else {
            return years < 0 ? CalendarDay(known: 1, 1, 1) : CalendarDay(known: 9999, 12, 31)
        }
        return CalendarDay(known: sum, month, min(day, Self.dayCount(month: month, year: sum)))
    }

    package static func < (left: CalendarDay, right: CalendarDay) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    static func dayCount(month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var number = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// The day and month on which the fiscal years of an undertaking begin.
///
/// Fiscal years of other lengths than a year are not known: an undertaking that moves its closing date is declared
/// with the beginning that is in force on the day of the grant.
package struct FiscalYearStart: Sendable, Hashable {
    package let month: Int
    package let day: Int

    package static let january = FiscalYearStart(known: 1, 1)

    /// nil for a day that does not exist in every year: 29 February begins no fiscal year that returns.
    package init?(month: Int, day: Int) {
        // 2023 is a year without 29 February.
        guard CalendarDay(year: 2023, month: month, day: day) != nil else { return nil }
        self.init(known: month, day)
    }

    private init(known month: Int, _ day: Int) {
        self.month = month
        self.day = day
    }

    /// The first day of the fiscal year that holds the day; the calendar's first day where it would begin before it.
    package func beginning(of day: CalendarDay) -> CalendarDay {
        let sameYear = CalendarDay(known: day.year, month, self.day)
        return sameYear <= day ? sameYear : sameYear.adding(years: -1)
    }
}

// MARK: Counting days

extension CalendarDay {
    /// The day so many days on, or back where they are negative; the calendar's end where it would lie beyond.
    package func adding(days: Int) -> CalendarDay {
        let (sum, isOverflow) = ordinal.addingReportingOverflow(days)
        if isOverflow || sum > Self.last.ordinal { return days < 0 ? Self.first : Self.last }
        return sum < Self.first.ordinal ? Self.first : CalendarDay(ordinal: sum)
    }

    /// How many days the day lies behind another; negative before it.
    package func days(since other: CalendarDay) -> Int { ordinal - other.ordinal }

    private static let first = CalendarDay(known: 1, 1, 1)
    private static let last = CalendarDay(known: 9999, 12, 31)

    /// Days since the day before 0001-01-01. Source: the Gregorian rule of leap years.
    private var ordinal: Int {
        let past = year - 1
        let months = (1..<month).reduce(0) { $0 + Self.dayCount(month: $1, year: year) }
        return past * 365 + past / 4 - past / 100 + past / 400 + months + day
    }

    /// - Parameter ordinal: of a day of the calendar.
    private init(ordinal: Int) {
        // The first guess is at most a year off, since a year has 365 or 366 days.
        var year = max(1, min(9999, ordinal * 400 / 146_097 + 1))
        while year > 1, CalendarDay(known: year, 1, 1).ordinal > ordinal { year -= 1 }
        while year < 9999, CalendarDay(known: year + 1, 1, 1).ordinal <= ordinal { year += 1 }
        var (month, left) = (1, ordinal - CalendarDay(known: year, 1, 1).ordinal + 1)
        while left > Self.dayCount(month: month, year: year) {
            left -= Self.dayCount(month: month, year: year)
            month += 1
        }
        self.init(known: year, month, left)
    }
}
