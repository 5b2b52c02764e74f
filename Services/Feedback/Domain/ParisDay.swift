package import struct FoundationEssentials.Date

/// A day as people in metropolitan France count it, by the rule that the European Union's clocks follow (directive
/// 2000/84/EC): a small image has no time zones.
package struct ParisDay: Sendable, Equatable {
    package let year: Int
    package let month: Int
    package let day: Int

    private static let secondsPerDay = 86_400

    package init(_ date: Date) {
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        let utc = ParisDay(daysSinceEpoch: Self.floor(seconds))
        let summer = Self.lastSunday(of: 3, utc.year)..<Self.lastSunday(of: 10, utc.year)
        // Both changes are at 01:00 UTC.
        let isSummer = summer.contains(Self.floor(seconds - 3600))
        self.init(daysSinceEpoch: Self.floor(seconds + (isSummer ? 7200 : 3600)))
    }

    package func words(in language: PageLanguage) -> String {
        let (french, english) = (Self.frenchMonths[month - 1], Self.englishMonths[month - 1])
        return language("\(day == 1 ? "1er" : "\(day)") \(french) \(year)", "\(day) \(english) \(year)")
    }

    private static let frenchMonths = [
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
        "décembre",
    ]
    private static let englishMonths = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    private static func floor(_ seconds: Int) -> Int {
        (seconds - ((seconds % secondsPerDay) + secondsPerDay) % secondsPerDay) / secondsPerDay
    }

    /// March and October have 31 days.
    private static func lastSunday(of month: Int, _ year: Int) -> Int {
        let last = days(year, month, 31)
        // The epoch was a Thursday.
        return last - ((last + 4) % 7 + 7) % 7
    }

    /// Of the Gregorian calendar, counted in years that begin in March (after Hinnant's `days_from_civil`).
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private init(daysSinceEpoch: Int) {
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// The instant at which a clock on a wall showed this; nil for a day that does not exist. What the clocks skip in
    /// March is taken by winter's time, what they show twice in October by summer's.
    package static func instant(year: Int, month: Int, day: Int, secondOfDay: Int) -> Date? {
        guard (0..<secondsPerDay).contains(secondOfDay),
            let midnight = utcMidnight(year: year, month: month, day: day)
        else { return nil }
        let local = midnight + secondOfDay
        let summer = lastSunday(of: 3, year)..<lastSunday(of: 10, year)
        let isSummer = summer.contains(floor(local - 7200 - 3600))
        return Date(timeIntervalSince1970: Double(local - (isSummer ? 7200 : 3600)))
    }

    /// Seconds from 1970 to the beginning of a day in UTC; nil for one that does not exist.
    package static func utcMidnight(year: Int, month: Int, day: Int) -> Int? {
        guard (1900...9999).contains(year), (1...12).contains(month) else { return nil }
        let days = Self.days(year, month, day)
        let found = ParisDay(daysSinceEpoch: days)
        guard (found.year, found.month, found.day) == (year, month, day) else { return nil }
        return days * secondsPerDay
    }
}
