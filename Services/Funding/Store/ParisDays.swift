import CofundingRules
import Postgres

import struct FoundationEssentials.Date

/// Legal days, which the database tells: a small image has no time zones.
enum ParisDays {
    /// The day in Europe/Paris that holds the instant.
    static func day(of instant: Date, in session: some PostgresSession) async throws -> CalendarDay {
        let rows = try await session.query("select (\(instant) at time zone 'Europe/Paris')::date::text as day")
        return try rows[0].day("day")
    }

    /// An instant of the day: `now` where it is in it, else the day's last millisecond.
    static func instant(
        of day: CalendarDay, now: Date, in session: some PostgresSession
    ) async throws -> Date {
        if try await self.day(of: now, in: session) == day { return now }
        let rows = try await session.query(
            """
            select ((\(day.description)::date + 1)::timestamp at time zone 'Europe/Paris') - interval '1 millisecond'
                as instant
            """)
        return try rows[0].get("instant")
    }
}

extension PostgresRow {
    /// A day that was selected as text.
    func day(_ column: String) throws -> CalendarDay {
        guard let day = CalendarDay(try get(column, as: String.self)) else { throw NoDay(column: column) }
        return day
    }
}

/// A column that was to hold a day and holds something else.
private struct NoDay: Error, CustomStringConvertible {
    let column: String
    var description: String { "column \(column): no day of the calendar" }
}
