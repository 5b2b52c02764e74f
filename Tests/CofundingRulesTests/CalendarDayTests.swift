import CofundingRules
import Testing

@Suite struct CalendarDayTests {
    @Test(arguments: ["0001-01-01", "1900-02-28", "2000-02-29", "2024-02-29", "2024-12-31", "9999-12-31"])
    func dayIsReadAndWrittenAlike(text: String) throws {
        #expect(try Controls.day(text).description == text)
    }

    @Test(
        arguments: [
            "", "2024-1-01", "2024-01-1", "20240101", "2024/01/01", "2024-01-01 ", " 2024-01-01", "2024-01-32",
            "2024-00-01", "2024-13-01", "2024-01-00", "2023-02-29", "1900-02-29", "2100-02-29", "2024-04-31",
            "0000-01-01", "-024-01-01", "+024-01-01", "２024-01-01", "2024-01-01T00:00:00Z",
        ])
    func whatIsNoDayIsNotRead(text: String) {
        #expect(CalendarDay(text) == nil)
    }

    @Test(
        arguments: [
            ("2024-01-30", -3, "2021-01-30"), ("2024-02-29", -3, "2021-02-28"), ("2024-02-29", -4, "2020-02-29"),
            ("2024-02-28", 1, "2025-02-28"), ("2023-02-28", 1, "2024-02-28"), ("2000-02-29", 100, "2100-02-28"),
            ("0002-05-05", -2, "0001-01-01"), ("9999-05-05", 1, "9999-12-31"), ("2024-01-01", 0, "2024-01-01"),
            ("2024-01-01", .max, "9999-12-31"), ("2024-01-01", .min, "0001-01-01"),
        ] as [(String, Int, String)])
    func yearsAreAddedAndTheLeapDayIsHeldInFebruary(day: String, years: Int, expected: String) throws {
        #expect(try Controls.day(day).adding(years: years).description == expected)
    }

    @Test func daysAreOrderedAsTheirTexts() throws {
        let texts = ["0001-01-01", "2021-01-29", "2021-01-30", "2021-02-01", "2022-01-01", "9999-12-31"]
        #expect(try texts.reversed().map { try Controls.day($0) }.sorted().map(\.description) == texts)
    }

    @Test(
        arguments: [
            (1, 1, "2024-01-01", "2024-01-01"), (1, 1, "2023-12-31", "2023-01-01"), (7, 1, "2023-06-30", "2022-07-01"),
            (7, 1, "2023-07-01", "2023-07-01"), (12, 31, "2024-12-30", "2023-12-31"),
            (3, 1, "2024-02-29", "2023-03-01"),
            (7, 1, "0001-06-30", "0001-01-01"),
        ])
    func fiscalYearBeginsOnTheLastSuchDay(month: Int, day: Int, on: String, expected: String) throws {
        let start = try #require(FiscalYearStart(month: month, day: day))
        #expect(try start.beginning(of: Controls.day(on)).description == expected)
    }

    @Test(arguments: [(2, 29), (4, 31), (0, 1), (13, 1), (1, 0), (1, 32)])
    func fiscalYearBeginsOnADayOfEveryYear(month: Int, day: Int) {
        #expect(FiscalYearStart(month: month, day: day) == nil)
    }
}
