package import FoundationEssentials

/// JSON as it stands on the wire: keys sorted, instants in UTC with milliseconds (`2026-11-21T09:30:00.000Z`).
package enum WireCoding {
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        if let writable = value as? any WireWritable {
            var writer = JSONWriter()
            writable.write(to: &writer)
            return writer.bytes
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(WireInstant.format(date))
        }
        return Array(try encoder.encode(value))
    }

    package static func decode<T: Decodable>(_ type: T.Type, from bytes: some Sequence<UInt8>) throws -> T {
        if let readable = type as? any WireReadable.Type, let members = try? JSONMembers(Array(bytes)),
            let value = readable.init(members) as? T
        {
            return value
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let date = WireInstant.parse(text) else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: "an RFC 3339 instant in UTC is expected, such as 2026-11-21T09:30:00Z")
            }
            return date
        }
        return try decoder.decode(type, from: Data(bytes))
    }
}

/// RFC 3339 instants in UTC, by integer arithmetic: Foundation's formatters cost up to 30 µs each.
///
/// Years have four digits there: what lies outside 0000 to 9999 in UTC is not read, and written as the nearest end.
package enum WireInstant {
    /// Milliseconds since 1970 of 0000-01-01T00:00:00.000Z and of 9999-12-31T23:59:59.999Z.
    private static let milliseconds: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999
    /// From 1970 to 2001.
    private static let referenceSeconds: Int64 = 978_307_200

    /// `2026-11-21T09:30:00.000Z`
    package static func format(_ date: Date) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(24)
        append(date, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same as bytes at the end of others.
    static func append(_ date: Date, to text: inout [UInt8]) {
        let (first, last) = (Double(milliseconds.lowerBound), Double(milliseconds.upperBound))
        // In this order a date that is no number becomes the first.
        let rounded = min(max(first, (date.timeIntervalSince1970 * 1000).rounded()), last)
        let (days, inDay) = Int64(rounded).floorDivided(by: 86_400_000)
        let (year, month, day) = civil(fromDays: days)
        append(year, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(month, digits: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        append(day, digits: 2, to: &text)
        text.append(UInt8(ascii: "T"))
        append(inDay / 3_600_000, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(inDay / 60_000 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(inDay / 1000 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: "."))
        append(inDay % 1000, digits: 3, to: &text)
        text.append(UInt8(ascii: "Z"))
    }

    /// Accepts `Z` and numeric offsets, with 0 to 9 fractional digits; nil for anything else, also for days that do
    /// not exist.
    package static func parse(_ text: String) -> Date? { parse(ArraySlice(text.utf8)) }

    static func parse(_ text: ArraySlice<UInt8>) -> Date? {
        var reader = Reader(bytes: text)
        guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2),
            reader.take("-"),
            let day = reader.number(digits: 2), reader.take("T") || reader.take("t"),
            let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2),
            reader.take(":"),
            let second = reader.number(digits: 2), let nanoseconds = reader.fraction(),
            let offset = reader.offsetMinutes(),
            reader.isAtEnd,
            (1...12).contains(month), hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = self.days(year: year, month: month, day: day)
        guard day >= 1, civil(fromDays: days) == (year, month, day) else { return nil }
        let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second
        guard milliseconds.contains(seconds * 1000) else { return nil }
        // From the epoch that `Date` counts from: a sum from 1970 is rounded more coarsely, and an instant that was
        // read here would lie beside the same one from the database.
        return Date(
            timeIntervalSinceReferenceDate: Double(seconds - referenceSeconds) + Double(nanoseconds) / 1_000_000_000)
    }

    private static func append(_ number: Int64, digits: Int, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    /// Days since 1970-01-01 of a civil date (H. Hinnant, "chrono-compatible low-level date algorithms").
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.floorDivided(by: 400).quotient
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private struct Reader {
        let bytes: ArraySlice<UInt8>
        var position: Int

        init(bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex
        }

        var isAtEnd: Bool { position == bytes.endIndex }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func number(digits: Int) -> Int64? {
            guard position + digits <= bytes.endIndex else { return nil }
            var value: Int64 = 0
            for byte in bytes[position..<position + digits] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            position += digits
            return value
        }

        mutating func fraction() -> Int64? {
            guard take(".") else { return 0 }
            var value: Int64 = 0
            var scale: Int64 = 100_000_000
            let start = position
            while scale > 0, let digit = number(digits: 1) {
                value += digit * scale
                scale /= 10
            }
            return position > start ? value : nil
        }

        mutating func offsetMinutes() -> Int64? {
            if take("Z") || take("z") { return 0 }
            let sign: Int64 = take("+") ? 1 : take("-") ? -1 : 0
            guard sign != 0, let hours = number(digits: 2), take(":"), let minutes = number(digits: 2), hours < 24,
                minutes < 60
            else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

// Synthesised `encode(to:)` of this target picks these overloads: identifiers stand on the wire in lower case, as RFC
// 9562 asks of writers and as PostgreSQL prints them, where Foundation would write upper case.
extension KeyedEncodingContainer {
    mutating func encode(_ value: UUID, forKey key: Key) throws { try encode(value.lowercase, forKey: key) }

    mutating func encodeIfPresent(_ value: UUID?, forKey key: Key) throws {
        try encodeIfPresent(value?.lowercase, forKey: key)
    }
}
