import Events

/// Notes what the owners say of their logs. The order does not matter: a checkpoint that comes late changes nothing,
/// and one that is lost is replaced by the next.
enum CheckpointConsumer {
    /// A handler for each owner that the listener follows.
    /// - Parameter ordered: `owner.noun` of what it applies in sequence.
    static func handlers(for listener: EventOwner, ordered: Set<String>) -> [EventHandler] {
        EventCatalogue.owners(followedBy: listener).map { handler($0.log, ordered: ordered) }
    }

    private static func handler<Log: LogOwner>(_: Log.Type, ordered: Set<String>) -> EventHandler {
        .on(LogCheckpointed<Log>.self, order: .commutative) { checkpoint, event, transaction in
            let store = CheckpointReadings(transaction)
            try await store.note(event.owner, position: checkpoint.position, counts: checkpoint.counts)
            let marks = checkpoint.changed.filter { ordered.contains("\(event.owner.rawValue).\($0.noun)") }
            try await store.note(marks, of: event.owner)
            return .applied
        }
    }
}
