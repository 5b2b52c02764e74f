import struct CofundingRules.CalendarDay

/// Days as XML Schema writes them (`xs:date`, `xs:dateTime`), with or without a zone, which says nothing of the day.
enum DateText {
    static let dateExpected = "yyyy-MM-dd"
    static let instantExpected = "yyyy-MM-ddThh:mm:ss"
    private static let dayLength = 10

    static func day(ofDate text: String) -> CalendarDay? {
        isZone(text.utf8.dropFirst(dayLength)) ? day(text) : nil
    }

    /// The day that its sender wrote, whatever it is elsewhere.
    static func day(ofInstant text: String) -> CalendarDay? {
        let time = text.utf8.dropFirst(dayLength)
        guard hasShape(time.prefix(9), "T00:00:00") else { return nil }
        var rest = time.dropFirst(9)
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        }
        return isZone(rest) ? day(text) : nil
    }

    private static func day(_ text: String) -> CalendarDay? {
        CalendarDay(String(decoding: text.utf8.prefix(dayLength), as: UTF8.self))
    }

    private static func isZone(_ bytes: Substring.UTF8View) -> Bool {
        bytes.isEmpty || hasShape(bytes, "Z") || hasShape(bytes, "+00:00") || hasShape(bytes, "-00:00")
    }

    /// - Parameter shape: with 0 for any digit.
    private static func hasShape(_ bytes: Substring.UTF8View, _ shape: String) -> Bool {
        bytes.count == shape.utf8.count
            && zip(bytes, shape.utf8).allSatisfy { $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
