/// Rows as text in which chance shows no more: identifiers that a service drew are named after the rows in which they
/// occur, so that two runs agree when they differ by nothing but those.
struct CanonicalState: Sendable, Equatable {
    private enum Piece {
        case text(Substring)
        case name(Substring)
    }

    /// How far the names look around: an account is known by its grant, the grant by its application.
    private static let rounds = 4

    let lines: [String]

    /// - Parameters:
    ///   - rows: a table's name and a row's values; drawn numbers are written `<domain#number>`.
    ///   - known: identifiers that mean something, in lower case.
    init(rows: [String], known: Set<String>) {
        let rows = rows.map { Self.pieces(of: $0, known: known) }
        var labels: [Substring: UInt64] = [:]
        for _ in 0..<Self.rounds { labels = Self.relabel(rows, labels) }
        lines = rows.map { row in
            row.map { piece in
                switch piece {
                case .text(let text): String(text)
                case .name(let name): "~" + String(labels[name, default: 0] & 0xFFFF_FFFF, radix: 36)
                }
            }.joined()
        }.sorted()
    }

    /// What the other has more or differently, and what it lacks.
    func differences(to other: CanonicalState) -> [String] {
        var counts: [String: Int] = [:]
        for line in lines { counts[line, default: 0] += 1 }
        for line in other.lines { counts[line, default: 0] -= 1 }
        return counts.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { line, count in
            "\(count > 0 ? "- expected" : "+ found") \(line)"
        }
    }

    /// Identifiers that mean something: those of the events and of what was there before them.
    static func identifiers(in text: some StringProtocol) -> [String] {
        pieces(of: String(text), known: []).compactMap { piece in
            if case .name(let name) = piece, name.utf8.count == 36, !name.hasPrefix("<") { String(name) } else { nil }
        }
    }

    /// A name's label is made of the rows where it stands, each with the labels of the others in it.
    private static func relabel(_ rows: [[Piece]], _ old: [Substring: UInt64]) -> [Substring: UInt64] {
        var sums: [Substring: UInt64] = [:]
        for row in rows {
            var names: Set<Substring> = []
            for case .name(let name) in row { names.insert(name) }
            for own in names {
                var hash = Fingerprint()
                for piece in row {
                    switch piece {
                    case .text(let text): hash.add(text)
                    case .name(own): hash.add(1)
                    case .name(let other): hash.add(old[other, default: 0])
                    }
                }
                // A sum does not depend on the order of rows.
                sums[own, default: 0] &+= hash.value
            }
        }
        return sums
    }

    private static func pieces(of row: String, known: Set<String>) -> [Piece] {
        var pieces: [Piece] = []
        let bytes = row.utf8
        var (start, index) = (bytes.startIndex, bytes.startIndex)
        while index < bytes.endIndex {
            guard let end = end(ofNameAt: index, in: bytes), !known.contains(String(row[index..<end])) else {
                bytes.formIndex(after: &index)
                continue
            }
            pieces.append(.text(row[start..<index]))
            pieces.append(.name(row[index..<end]))
            (start, index) = (end, end)
        }
        return pieces + [.text(row[start...])]
    }

    /// The end of a UUID in lower case, or of `<domain#number>`.
    private static func end(ofNameAt start: String.Index, in bytes: String.UTF8View) -> String.Index? {
        if bytes[start] == UInt8(ascii: "<") {
            let rest = bytes[start...].prefix(80)
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")), rest[..<end].contains(UInt8(ascii: "#")) else {
                return nil
            }
            return bytes.index(after: end)
        }
        guard let end = bytes.index(start, offsetBy: 36, limitedBy: bytes.endIndex) else { return nil }
        for (place, byte) in bytes[start..<end].enumerated() {
            let isDash = byte == UInt8(ascii: "-")
            guard isDash == [8, 13, 18, 23].contains(place) else { return nil }
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            guard isDash || isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte) else { return nil }
        }
        return end
    }
}

/// FNV-1a: the same in every process, unlike `Hasher`.
private struct Fingerprint {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: Substring) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            value = (value ^ (number >> shift & 0xFF)) &* 0x100_0000_01B3
        }
    }
}
