package import struct FoundationEssentials.Date

/// The ways in which files write when somebody answered. All but `rfc3339` are by a clock in Paris.
package enum LocalTimeFormat: String, Sendable, Codable, CaseIterable {
    case day = "yyyy-MM-dd"
    case minute = "yyyy-MM-dd HH:mm"
    case second = "yyyy-MM-dd HH:mm:ss"
    case frenchDay = "dd/MM/yyyy"
    case frenchMinute = "dd/MM/yyyy HH:mm"
    case frenchSecond = "dd/MM/yyyy HH:mm:ss"
    case instant = "rfc3339"

    /// - Parameter secondOfDay: of a day without a time.
    /// - Returns: nil for a text of another form, and for days and times that do not exist.
    package func instant(_ text: String, secondOfDay: Int) -> Date? {
        if self == .instant { return Self.instant(text) }
        guard let parts = Self.numbers(in: text, as: rawValue) else { return nil }
        return ParisDay.instant(
            year: parts["y", default: 0], month: parts["M", default: 0], day: parts["d", default: 0],
            secondOfDay: Self.second(parts, else: secondOfDay) ?? -1)
    }

    /// Of `12:00`.
    package static func secondOfDay(_ hour: String) -> Int? {
        numbers(in: hour, as: "HH:mm").flatMap { second($0, else: 0) }
    }

    /// nil for an hour, minute or second that does not exist.
    private static func second(_ parts: [Character: Int], else without: Int) -> Int? {
        guard let hour = parts["H"] else { return without }
        let (minute, second) = (parts["m", default: 0], parts["s", default: 0])
        guard hour < 24, minute < 60, second < 60 else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    /// The digits under each letter of the pattern.
    private static func numbers(in text: String, as pattern: String) -> [Character: Int]? {
        guard text.utf8.count == pattern.utf8.count else { return nil }
        var numbers: [Character: Int] = [:]
        for (byte, letter) in zip(text.utf8, pattern) {
            if letter.isLetter, letter != "T" {
                guard (0x30...0x39).contains(byte) else { return nil }
                numbers[letter] = numbers[letter, default: 0] * 10 + Int(byte - 0x30)
            } else if letter.asciiValue != byte {
                return nil
            }
        }
        return numbers
    }

    /// `2026-11-21T09:30:00.250+01:00`; a fraction is cut to milliseconds.
    private static func instant(_ text: String) -> Date? {
        let pattern = "yyyy-MM-ddTHH:mm:ss"
        guard let parts = numbers(in: String(text.prefix(pattern.count)), as: pattern),
            let second = second(parts, else: 0), let year = parts["y"], let month = parts["M"], let day = parts["d"]
        else { return nil }
        var rest = text.dropFirst(pattern.count)
        var milliseconds = 0
        if rest.first == "." {
            let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
            guard (1...9).contains(digits.count) else { return nil }
            milliseconds = Int(digits.prefix(3)) ?? 0
            for _ in digits.count..<max(3, digits.count) { milliseconds *= 10 }
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = offsetSeconds(rest),
            let midnight = ParisDay.utcMidnight(year: year, month: month, day: day)
        else { return nil }
        return Date(timeIntervalSince1970: Double(midnight + second - offset) + Double(milliseconds) / 1000)
    }

    private static func offsetSeconds(_ text: Substring) -> Int? {
        if text == "Z" { return 0 }
        guard let sign = text.first, sign == "+" || sign == "-",
            let second = secondOfDay(String(text.dropFirst()))
        else { return nil }
        return sign == "-" ? -second : second
    }
}
