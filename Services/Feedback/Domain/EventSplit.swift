/// How many items go into one message.
package struct EventSplit: Sendable {
    package let itemCountMax: Int
    package let byteCountMax: Int
    /// Bytes of a message without items.
    package let overhead: Int

    package init(itemCountMax: Int, byteCountMax: Int, overhead: Int) {
        self.itemCountMax = itemCountMax
        self.byteCountMax = byteCountMax
        self.overhead = overhead
    }

    /// Responses in one event: CloudEvents obliges nobody to forward more than 64 KiB, and the attributes need room
    /// too.
    package static let responses = EventSplit(itemCountMax: 200, byteCountMax: 49_152, overhead: 256)
    /// Receipts in one message to a publisher.
    package static let receipts = EventSplit(itemCountMax: 200, byteCountMax: 49_152, overhead: 512)

    /// Cuts a list in order, so that every part keeps both limits. An item too large for any message still gets its
    /// own.
    package func ranges(byteCounts: [Int]) -> [Range<Int>] {
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
