import Events
import Postgres

/// How many events of a type and a slice of its owner's log were received; checkpoints are not counted.
struct ReceiptCounts {
    private struct Key: Hashable {
        let type: String
        let slice: Int64
    }

    private var counts: [Key: Int64] = [:]

    /// - Parameter sign: -1 takes back what was counted before.
    init(_ events: some Sequence<InboundEvent>, sign: Int64 = 1) {
        for event in events where event.stream != CheckpointSlice.noun {
            counts[Key(type: event.type, slice: CheckpointSlice.number(of: event.position ?? 0)), default: 0] += sign
        }
    }

    var isEmpty: Bool { counts.isEmpty }
    var types: [String] { counts.keys.map(\.type) }
    var slices: [Int64] { counts.keys.map(\.slice) }
    var eventCounts: [Int64] { counts.keys.map { counts[$0, default: 0] } }
}
