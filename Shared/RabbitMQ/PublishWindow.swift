/// The messages that were written and not confirmed yet, in a ring by the channel's delivery tags.
struct PublishWindow {
    struct Slot {
        let call: PublishCall
        let index: Int
        var returned: PublishOutcome?
    }

    /// A confirm that stays out while later ones come holds its place: the ring is larger than the window by this
    /// factor.
    private static let spanFactor = 4

    private let countMax: Int
    private var slots: [Slot?]
    /// The tag of the oldest unconfirmed message, or the next tag when there is none.
    private var first: UInt64 = 1
    private var next: UInt64 = 1
    private(set) var outstanding = 0

    init(countMax: Int) {
        self.countMax = countMax
        slots = Array(repeating: nil, count: countMax * Self.spanFactor)
    }

    /// How many messages may be written now.
    var room: Int { min(countMax - outstanding, slots.count - Int(next - first)) }

    private func place(_ tag: UInt64) -> Int { Int(tag % UInt64(slots.count)) }

    /// Notes the message that was written next on the channel.
    mutating func append(_ call: PublishCall, _ index: Int) {
        slots[place(next)] = Slot(call: call, index: index)
        next += 1
        outstanding += 1
    }

    /// Marks the oldest message of that id as returned; its outcome comes with the confirm that follows.
    /// - Returns: whether there is such a message.
    mutating func markReturned(messageID: String?, code: Int, reason: String) -> Bool {
        for tag in first..<next {
            guard let slot = slots[place(tag)], slot.returned == nil,
                slot.call.messages[slot.index].messageID == messageID
            else { continue }
            slots[place(tag)]?.returned = .returned(code: code, reason: reason)
            return true
        }
        return false
    }

    /// Settles a tag, or everything up to it. Tags that are not out are ignored.
    mutating func settle(_ tag: UInt64, multiple: Bool, _ settled: (Slot) -> Void) {
        guard tag < next, tag >= first else { return }
        for tag in (multiple ? first : tag)...tag {
            guard let slot = slots[place(tag)] else { continue }
            slots[place(tag)] = nil
            outstanding -= 1
            settled(slot)
        }
        while first < next, slots[place(first)] == nil { first += 1 }
    }

    /// Empties the window for a new channel, whose tags begin at 1.
    mutating func reset(_ settled: (Slot) -> Void) {
        if next > first { settle(next - 1, multiple: true, settled) }
        (first, next) = (1, 1)
    }
}
