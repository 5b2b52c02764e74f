import Events
import RabbitMQ

extension History {
    /// What the owners say of their logs: each twice, after half of its events and after all. That these are the last
    /// items does not matter: a checkpoint may come before what it counts.
    mutating func tellCheckpoints() throws {
        var logs: [EventOwner: [Told]] = [:]
        for case .told(let told) in items {
            if let owner = told.message.type.flatMap(EventType.init)?.owner { logs[owner, default: []].append(told) }
        }
        for (owner, log) in logs.sorted(by: { $0.key < $1.key }) {
            for count in Set([log.count / 2, log.count]).sorted() where count > 0 {
                try tellCheckpoint(owner.log, after: log.prefix(count))
            }
        }
    }

    private mutating func tellCheckpoint<Log: LogOwner>(_: Log.Type, after log: ArraySlice<Told>) throws {
        var counts: [String: Int64] = [:]
        var marks: [String: SubjectMark] = [:]
        for told in log {
            guard let type = told.message.type.flatMap(EventType.init) else { continue }
            counts[type.name, default: 0] += 1
            let subject = String(told.stream.drop { $0 != " " }.dropFirst())
            marks[told.stream] = SubjectMark(noun: type.noun, subject: subject, sequence: told.sequence)
        }
        // Every second one is the end of a slice.
        let position = Int64(log.count) * CheckpointSlice.width / 2 - 1
        let changed = marks.sorted { $0.key < $1.key }.map(\.value)
        try tell(
            LogCheckpointed<Log>(position: position, counts: counts, changed: changed, changedCount: changed.count),
            about: Log.owner.rawValue)
    }
}
