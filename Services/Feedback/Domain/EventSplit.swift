/// How many responses go into one event.
package enum EventSplit {
    /// Items of one event.
    package static let itemCountMax = 200
    /// Bytes of one event's data: CloudEvents obliges nobody to forward more than 64 KiB, and the attributes need room too.
    package static let byteCountMax = 49_152

    /// Cuts a list in order, so that every part keeps both limits. An item too large for any event still gets its own part.
    /// - Parameter overhead: bytes of an event without items.
    package static func ranges(byteCounts: [Int], overhead: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var byteCount = overhead
        for (index, size) in byteCounts.enumerated() {
            if index > start, index - start == itemCountMax || byteCount + size > byteCountMax {
                ranges.append(start..<index)
                start = index
                byteCount = overhead
            }
            byteCount += size
        }
        if start < byteCounts.count { ranges.append(start..<byteCounts.count) }
        return ranges
    }
}
