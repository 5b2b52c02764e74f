package import CofundingRules

/// When beneficiaries state what they have spent: for each period of so many months, so many days after its end.
package struct StatementCalendar: Sendable, Equatable {
    package let months: Int
    package let dueDays: Int

    package init(months: Int, dueDays: Int) throws(FundingError) {
        guard (1...60).contains(months) else {
            throw .invalid(field: "/terms/statementMonths", expected: "a number of months from 1 to 60")
        }
        guard (1...366).contains(dueDays) else {
            throw .invalid(field: "/terms/statementDueDays", expected: "a number of days from 1 to 366")
        }
        self.months = months
        self.dueDays = dueDays
    }

    /// The periods that cover the days from `from` to `until`; the last ends with `until`.
    /// - Parameter number: of the first.
    package func periods(from: CalendarDay, until: CalendarDay, number: Int = 1) -> [StatementPeriod] {
        var (periods, begin, index): ([StatementPeriod], CalendarDay, Int) = ([], from, 0)
        while begin <= until {
            index += 1
            // Counted from the first day, so that the 31st comes back after a short month.
            let next = from.adding(months: months * index)
            let end = min(until, next.adding(days: -1))
            periods.append(
                StatementPeriod(
                    number: number + index - 1, from: begin, until: end, dueOn: end.adding(days: dueDays)))
            begin = end.adding(days: 1)
            if end == until { break }
        }
        return periods
    }
}

/// What one statement is about, and when it is due.
package struct StatementPeriod: Sendable, Equatable {
    /// From 1.
    package let number: Int
    package let from: CalendarDay
    package let until: CalendarDay
    package let dueOn: CalendarDay

    package init(number: Int, from: CalendarDay, until: CalendarDay, dueOn: CalendarDay) {
        self.number = number
        self.from = from
        self.until = until
        self.dueOn = dueOn
    }
}

/// When somebody is reminded of a statement: each once for every day that it is due.
package enum StatementReminder: String, Sendable, CaseIterable {
    case monthBefore = "month-before"
    case weekBefore = "week-before"
    case dueToday = "due-today"
    case overdue

    /// The days that a statement is due on when it is said on `day`.
    package func dueDays(on day: CalendarDay) -> ClosedRange<CalendarDay> {
        switch self {
        case .monthBefore: day.adding(days: 8)...day.adding(days: 30)
        case .weekBefore: day.adding(days: 1)...day.adding(days: 7)
        case .dueToday: day...day
        case .overdue: day.adding(years: -100)...day.adding(days: -1)
        }
    }
}
