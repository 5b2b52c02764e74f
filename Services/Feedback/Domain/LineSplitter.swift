/// Cuts a stream of bytes into lines. A line that is longer than allowed is cut short just past the limit, so that it
/// is refused as too large and takes no memory.
package struct LineSplitter: Sendable {
    private let bytesMax: Int
    package private(set) var lines: [[UInt8]] = []
    private var open: [UInt8] = []

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    package mutating func append(_ bytes: [UInt8]) {
        for (index, part) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if index > 0 { close() }
            open += part.prefix(bytesMax + 1 - open.count)
        }
    }

    /// The last line may end without a line feed.
    package mutating func finish() { close() }

    /// The oldest lines, at most so many.
    package mutating func take(_ countMax: Int) -> [[UInt8]] {
        let taken = Array(lines.prefix(countMax))
        lines.removeFirst(taken.count)
        return taken
    }

    /// Empty lines are nobody's events.
    private mutating func close() {
        if open.last == UInt8(ascii: "\r") { open.removeLast() }
        if open.contains(where: { $0 != 0x20 && $0 != 0x09 }) { lines.append(open) }
        open = []
    }
}
