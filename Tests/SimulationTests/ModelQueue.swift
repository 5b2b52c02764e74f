import Synchronization

/// A quorum queue: at least once, in order; what a channel did not acknowledge when it ends comes back in front, with a
/// limit or without, and after as many returns as the limit says it has been delivered once more than that and is dead.
final class ModelQueue<Message: Sendable>: Sendable {
    struct Delivery: Sendable {
        let tag: UInt64
        let message: Message
        /// Deliveries before this one.
        let deliveryCount: Int
    }

    private struct Entry {
        let place: Int
        let message: Message
        var deliveryCount = 0
    }

    private struct Channel {
        var lastTag: UInt64 = 0
        var unacknowledged: [(tag: UInt64, entry: Entry)] = []
    }

    private struct State {
        var lastPlace = 0
        var ready: [Entry] = []
        var channels: [Int: Channel] = [:]
        var lastChannel = 0
        var dead: [Message] = []
    }

    /// nil keeps returning messages for ever.
    private let deliveryLimit: Int?
    private let state = Mutex(State())

    init(deliveryLimit: Int?) { self.deliveryLimit = deliveryLimit }

    var dead: [Message] { state.withLock { $0.dead } }
    /// Not acknowledged by anybody.
    var count: Int {
        state.withLock { state in state.ready.count + state.channels.values.reduce(0) { $0 + $1.unacknowledged.count } }
    }

    func publish(_ message: Message) {
        state.withLock { state in
            state.lastPlace += 1
            state.ready.append(Entry(place: state.lastPlace, message: message))
        }
    }

    func open() -> Int {
        state.withLock { state in
            state.lastChannel += 1
            state.channels[state.lastChannel] = Channel()
            return state.lastChannel
        }
    }

    /// - Returns: at most `limit` messages, as far as the prefetch allows; none on a closed channel.
    func deliver(_ limit: Int, on number: Int, prefetch: Int) -> [Delivery] {
        state.withLock { state in
            guard var channel = state.channels[number] else { return [] }
            let count = min(limit, prefetch - channel.unacknowledged.count, state.ready.count)
            guard count > 0 else { return [] }
            let deliveries = state.ready.prefix(count).map { entry in
                channel.lastTag += 1
                channel.unacknowledged.append((channel.lastTag, entry))
                return Delivery(tag: channel.lastTag, message: entry.message, deliveryCount: entry.deliveryCount)
            }
            state.ready.removeFirst(count)
            state.channels[number] = channel
            return deliveries
        }
    }

    /// `multiple`: everything up to the tag.
    func acknowledge(upTo tag: UInt64, on number: Int) {
        state.withLock { $0.channels[number]?.unacknowledged.removeAll { $0.tag <= tag } }
    }

    func close(_ number: Int) {
        state.withLock { state in
            guard let channel = state.channels.removeValue(forKey: number) else { return }
            var back: [Entry] = []
            for (_, entry) in channel.unacknowledged {
                var entry = entry
                entry.deliveryCount += 1
                if let deliveryLimit, entry.deliveryCount > deliveryLimit {
                    state.dead.append(entry.message)
                } else {
                    back.append(entry)
                }
            }
            state.ready = back + state.ready
        }
    }
}
