extension SettingKey.Kind {
    /// What may be written, in a form that completes "allowed: …".
    package var allowed: String {
        switch self {
        case .text(let bytesMax): "text of 1 to \(bytesMax) bytes without control characters"
        case .secret(let bytes):
            "random text of \(bytes.lowerBound) to \(bytes.upperBound) bytes without control characters"
        case .url(let schemes): "a URL beginning with " + schemes.map { "\($0)://" }.joined(separator: " or ")
        case .oneOf(let values): values.joined(separator: ", ")
        case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .duration(let range):
            "a whole number with ms, s, m or h, from \(DurationText.format(range.lowerBound)) to "
                + DurationText.format(range.upperBound)
        case .path: "an absolute path"
        }
    }

    /// Whether `text` is such a value.
    func accepts(_ text: String) -> Bool {
        let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        switch self {
        case .text(let bytesMax): return isPlain && (1...bytesMax).contains(text.utf8.count)
        case .secret(let bytes): return isPlain && bytes.contains(text.utf8.count)
        case .url(let schemes):
            return isPlain && text.utf8.count <= 2_048
                && schemes.contains { text.hasPrefix("\($0)://") && text.utf8.count > $0.utf8.count + 3 }
        case .oneOf(let values): return values.contains(text)
        case .count(let range): return Int(text).map(range.contains) ?? false
        case .duration(let range): return DurationText.parse(text).map(range.contains) ?? false
        case .path: return isPlain && text.hasPrefix("/") && text.utf8.count <= 4_096
        }
    }
}

/// Durations as an operator writes them.
enum DurationText {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        // `ms` before `s` and `m`: the longer suffix must be tried first.
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000),
    ]

    static func parse(_ text: String) -> Duration? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(digits).map { .milliseconds($0 * unit.milliseconds) }
    }

    /// In the largest unit that leaves a whole number.
    static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        let unit = units.last { milliseconds % $0.milliseconds == 0 } ?? units[0]
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
}
