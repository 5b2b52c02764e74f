/// Finds what could tell who a person is in text that people write: the number of the national register (NIR, which the
/// INS is made of), telephone numbers and e-mail addresses. What is found is masked before anything is stored.
///
/// One pass over the bytes; every look ahead or back is bounded, so that no text takes more than linear time.
package enum IdentifierMask {
    package static let mark = "[masqué]"

    private static let digitsMax = 15
    /// Digits and what may stand between them.
    private static let numberBytesMax = 60
    private static let addressBytesMax = 64
    private static let domainBytesMax = 255

    /// How far the bytes have to go on behind a limit, so that nothing that begins before it is overlooked.
    package static let lookAhead = max(numberBytesMax, addressBytesMax + domainBytesMax)

    /// The text with a mark in the place of each identifier.
    package static func mask(_ text: String) -> String {
        let bytes = Array(text.utf8)
        return masked(bytes, upTo: bytes.count).map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// The same for bytes that may be no text, of which no more than the first `limit` are wanted.
    package static func mask(_ bytes: [UInt8], upTo limit: Int) -> [UInt8] {
        masked(bytes, upTo: limit) ?? Array(bytes.prefix(limit))
    }

    /// nil when there is nothing to mask.
    private static func masked(_ bytes: [UInt8], upTo limit: Int) -> [UInt8]? {
        guard bytes.contains(where: { $0 == at || isDigit($0) }) else { return nil }
        var masked: [UInt8] = []
        masked.reserveCapacity(limit)
        var index = 0
        var copied = 0
        while index < limit {
            guard let range = identifier(at: index, after: copied, in: bytes) else {
                index += 1
                continue
            }
            masked += bytes[copied..<range.lowerBound]
            masked += mark.utf8
            copied = range.upperBound
            index = range.upperBound
        }
        guard copied > 0 else { return nil }
        return copied < limit ? masked + bytes[copied..<limit] : masked
    }

    /// How many identifiers were masked in a text.
    package static func count(in text: String) -> Int {
        guard text.utf8.contains(UInt8(ascii: "[")) else { return 0 }
        return text.split(separator: "[", omittingEmptySubsequences: false).dropFirst()
            .count { $0.hasPrefix(mark.dropFirst()) }
    }

    /// Whether a code that should name a person by nothing but itself is a number of the national register.
    package static func isRegisterNumber(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count <= numberBytesMax, let first = bytes.first, isDigit(first) else { return false }
        return registerNumber(groups(from: 0, in: bytes)) == bytes.count
    }

    /// Whether a person's code is a number of the national register, or holds one with its key.
    package static func holdsRegisterNumber(_ text: String) -> Bool {
        guard mayHoldRegisterNumber(text) else { return false }
        return isRegisterNumber(text) || contains(text) { writtenNumber($0) != nil }
    }

    /// The same for what names a message. Days, times and counters stand there, and one number in 97 has a right key by
    /// chance: what counts is a number as people write it, of somebody whose month of birth is known.
    package static func isGivenAwayByName(_ text: String) -> Bool {
        guard mayHoldRegisterNumber(text) else { return false }
        return contains(text) { groups in
            writtenNumber(groups) != nil && (1...12).contains(number(groups.flatMap(\.digits)[3...4]))
        }
    }

    /// Whether enough digits stand there with no letter between them but a Corsican one. Ids are mostly in hexadecimal
    /// digits, of which this is rarely true.
    private static func mayHoldRegisterNumber(_ text: String) -> Bool {
        var count = 0
        for byte in text.utf8 {
            if isDigit(byte) {
                count += 1
                if count == 12 { return true }
            } else if (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20), !isCorsican(byte) {
                count = 0
            }
        }
        return false
    }

    /// Whether such groups begin anywhere but within a word.
    private static func contains(_ text: String, where isFound: ([Group]) -> Bool) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.contains { index in
            isDigit(bytes[index]) && (index == 0 || !isWord(bytes[index - 1]))
                && isFound(groups(from: index, in: bytes))
        }
    }

    private static func identifier(at index: Int, after copied: Int, in bytes: [UInt8]) -> Range<Int>? {
        if bytes[index] == at { return address(around: index, after: copied, in: bytes) }
        guard isDigit(bytes[index]) || bytes[index] == UInt8(ascii: "+") else { return nil }
        guard isStart(index, after: copied, in: bytes) else {
            // A key cannot be right by chance so easily: such a number is looked for behind any mark.
            guard isDigit(bytes[index]), !isWord(bytes[index - 1]) else { return nil }
            return writtenNumber(groups(from: index, in: bytes)).map { index..<$0 }
        }
        if bytes[index] == UInt8(ascii: "+") {
            let groups = groups(from: index + 1, in: bytes)
            return international(groups, digitCounts: 8...15).map { index..<$0 }
        }
        let groups = groups(from: index, in: bytes)
        return (registerNumber(groups) ?? national(groups) ?? withExitCode(groups)).map { index..<$0 }
    }

    // MARK: Numbers

    /// Digits that stand together, and where they end.
    private struct Group {
        var digits: [UInt8] = []
        var end: Int
    }

    /// The digits from here on, with at most one separator between two groups. The letter of a Corsican department
    /// stands in the place of a digit.
    private static func groups(from start: Int, in bytes: [UInt8]) -> [Group] {
        var groups: [Group] = []
        var count = 0
        var previous: UInt8 = 0
        var index = start
        while index < min(bytes.count, start + numberBytesMax), count < digitsMax + 5 {
            let isLetter = count == 6 && previous == UInt8(ascii: "2") && isCorsican(bytes[index])
            if isDigit(bytes[index]) || isLetter {
                if groups.last?.end != index { groups.append(Group(end: index)) }
                groups[groups.count - 1].digits.append(bytes[index])
                groups[groups.count - 1].end = index + 1
                previous = bytes[index]
                count += 1
                index += 1
            } else {
                let length = separatorLength(at: index, in: bytes)
                // A separator stands between digits, never first or twice.
                guard length > 0, groups.last?.end == index, index + length < bytes.count else { break }
                let next = bytes[index + length]
                guard isDigit(next) || next == UInt8(ascii: "(") && count > 0 || isCorsican(next) && count == 6 else {
                    break
                }
                index += length
                // +33 (0)6: the zero in brackets is part of the number.
                if next == UInt8(ascii: "("), bytes[index...].starts(with: "(0)".utf8) {
                    groups.append(Group(digits: [], end: index + 3))
                    index += 3
                } else if next == UInt8(ascii: "(") {
                    break
                }
            }
        }
        // A letter after the last digit makes it a code of something else.
        if let last = groups.last, last.end < bytes.count, isWord(bytes[last.end]) { groups.removeLast() }
        return groups
    }

    /// Where 15 digits end whose key is right, or 13 that cannot well be anything else.
    private static func registerNumber(_ groups: [Group]) -> Int? {
        if let end = numberWithKey(groups) { return end }
        guard let end = end(of: 13, groups), [[13], [1, 2, 2, 2, 3, 3]].contains(sizes(groups, upTo: end)) else {
            return nil
        }
        let digits = Array(groups.flatMap(\.digits).prefix(13))
        let isOrdinary = (1...2).contains(number(digits[..<1])) && (1...12).contains(number(digits[3...4]))
        return isOrdinary && isRegisterNumber(digits) ? end : nil
    }

    private static func numberWithKey(_ groups: [Group]) -> Int? {
        guard let end = end(of: 15, groups) else { return nil }
        let digits = Array(groups.flatMap(\.digits).prefix(15))
        return isRegisterNumber(digits) && key(of: digits) == number(digits[13...]) ? end : nil
    }

    /// Where a number with its key ends that is grouped as people do it; a day and a counter are grouped otherwise.
    private static func writtenNumber(_ groups: [Group]) -> Int? {
        let usual = [
            [15], [13, 2], [1, 12, 2], [7, 6, 2], [1, 2, 2, 2, 3, 3, 2], [1, 2, 2, 2, 6, 2], [1, 4, 2, 3, 3, 2],
        ]
        guard let end = numberWithKey(groups), usual.contains(sizes(groups, upTo: end)) else { return nil }
        return end
    }

    /// Sex, year and month of birth, department: what a number has to look like.
    private static func isRegisterNumber(_ digits: [UInt8]) -> Bool {
        let month = number(digits[3...4])
        let isMonth = (1...12).contains(month) || (20...42).contains(month) || (50...99).contains(month)
        // 20 was Corsica's until 1976.
        let isDepartment = isCorsican(digits[6]) || (1...99).contains(number(digits[5...6]))
        let others = digits[7...].allSatisfy(isDigit) && digits[..<6].allSatisfy(isDigit)
        return others && [1, 2, 3, 4, 7, 8].contains(number(digits[..<1])) && isMonth && isDepartment
    }

    /// 97 less the rest of the first thirteen by 97; 2A counts as 19 and 2B as 18.
    private static func key(of digits: [UInt8]) -> Int {
        var digits = Array(digits[..<13])
        if isCorsican(digits[6]) {
            digits[6] = digits[6] & 0xDF == UInt8(ascii: "A") ? UInt8(ascii: "9") : UInt8(ascii: "8")
            digits[5] = UInt8(ascii: "1")
        }
        return 97 - number(digits[...]) % 97
    }

    /// Ten digits from 01 to 09, grouped as people write them: a date with a time beside it is grouped otherwise.
    private static func national(_ groups: [Group]) -> Int? {
        guard let end = end(of: 10, groups) else { return nil }
        let usual = [[10], [2, 2, 2, 2, 2], [4, 2, 2, 2], [4, 3, 3], [2, 4, 4], [3, 3, 4]]
        let digits = groups.flatMap(\.digits)
        return usual.contains(sizes(groups, upTo: end)) && digits[0] == UInt8(ascii: "0")
            && digits[1] != UInt8(ascii: "0") ? end : nil
    }

    /// `00` and the country in the place of the plus sign.
    private static func withExitCode(_ groups: [Group]) -> Int? {
        let digits = groups.flatMap(\.digits)
        guard digits.count > 2, digits[..<2].allSatisfy({ $0 == UInt8(ascii: "0") }), digits[2] != UInt8(ascii: "0")
        else { return nil }
        return international(groups, digitCounts: 11...15)
    }

    private static func international(_ groups: [Group], digitCounts: ClosedRange<Int>) -> Int? {
        var count = 0
        var end: Int?
        for group in groups {
            count += group.digits.count
            if count > digitCounts.upperBound { break }
            if digitCounts.contains(count) { end = group.end }
        }
        return end
    }

    /// Where the groups end that have exactly so many digits together.
    private static func end(of wanted: Int, _ groups: [Group]) -> Int? {
        var count = 0
        for group in groups {
            count += group.digits.count
            if count == wanted { return group.end }
            if count > wanted { return nil }
        }
        return nil
    }

    private static func sizes(_ groups: [Group], upTo end: Int) -> [Int] {
        groups.prefix { $0.end <= end }.map(\.digits.count)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int {
        digits.reduce(0) { $0 * 10 + (isDigit($1) ? Int($1) - 48 : 0) }
    }

    // MARK: Addresses

    private static func address(around at: Int, after copied: Int, in bytes: [UInt8]) -> Range<Int>? {
        var start = at
        while start > max(copied, at - addressBytesMax),
            isWord(bytes[start - 1]) || "._%+-".utf8.contains(bytes[start - 1])
        { start -= 1 }
        var end = at + 1
        while end < min(bytes.count, at + domainBytesMax), isWord(bytes[end]) || ".-".utf8.contains(bytes[end]) {
            end += 1
        }
        while end > at, !isWord(bytes[end - 1]) { end -= 1 }
        let domain = bytes[(at + 1)..<max(end, at + 1)]
        guard start < at, let dot = domain.lastIndex(of: UInt8(ascii: ".")), dot > domain.startIndex,
            domain[(dot + 1)...].count >= 2, !domain[(dot + 1)...].contains(where: isDigit)
        else { return nil }
        return start..<end
    }

    // MARK: Bytes

    private static let at = UInt8(ascii: "@")

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    private static func isCorsican(_ byte: UInt8) -> Bool { byte & 0xDF == 65 || byte & 0xDF == 66 }
    /// Letters of other alphabets begin with a high byte.
    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...90).contains(byte & 0xDF)
    }

    /// Whether a number may begin here: not in the middle of another, nor of a code such as `CMD-0612345678`.
    private static func isStart(_ index: Int, after copied: Int, in bytes: [UInt8]) -> Bool {
        guard index > copied else { return true }
        let previous = bytes[index - 1]
        // Of a comma only the decimal one joins.
        if previous == UInt8(ascii: ",") { return index - 1 == copied || !isDigit(bytes[index - 2]) }
        if "-_#/.".utf8.contains(previous) { return index - 1 == copied || !isWord(bytes[index - 2]) }
        return !isWord(previous) && previous != UInt8(ascii: "+")
    }

    /// A space, one that does not break, a narrow one, a dot, a hyphen or a slash; 0 for anything else.
    private static func separatorLength(at index: Int, in bytes: [UInt8]) -> Int {
        if " .-/".utf8.contains(bytes[index]) { return 1 }
        if bytes[index...].starts(with: [0xC2, 0xA0]) { return 2 }
        return bytes[index...].starts(with: [0xE2, 0x80, 0xAF]) ? 3 : 0
    }
}
