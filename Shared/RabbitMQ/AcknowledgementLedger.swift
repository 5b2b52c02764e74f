/// Which batches of a channel are finished, and how far the unbroken run from the first one reaches: only that run may
/// be acknowledged, because one acknowledgement covers everything below its tag.
struct AcknowledgementLedger {
    /// The last tag of each sealed batch, by number from `firstUnacknowledged`.
    private var lastTags: [UInt64] = []
    private var isFinished: [Bool] = []
    private var firstUnacknowledged = 0
    private var handed = 0

    /// The number of the next batch.
    var nextNumber: Int { firstUnacknowledged + lastTags.count }
    /// Batches that somebody works on, or whose acknowledgement waits for one of these.
    var outstanding: Int { handed - firstUnacknowledged }

    mutating func seal(lastTag: UInt64) {
        lastTags.append(lastTag)
        isFinished.append(false)
    }

    /// Batches are handed out in the order of their numbers.
    mutating func hand(_ number: Int) { handed = max(handed, number + 1) }

    /// - Returns: the tag to acknowledge everything up to, when the run grew.
    mutating func finish(_ number: Int) -> UInt64? {
        let index = number - firstUnacknowledged
        guard isFinished.indices.contains(index), number < handed else { return nil }
        isFinished[index] = true
        let run = isFinished.prefix(while: \.self).count
        guard run > 0 else { return nil }
        let tag = lastTags[run - 1]
        lastTags.removeFirst(run)
        isFinished.removeFirst(run)
        firstUnacknowledged += run
        return tag
    }
}
