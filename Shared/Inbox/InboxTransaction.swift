import FoundationEssentials
import Postgres

/// The work of one transaction: receipts, effects and what is parked commit together or not at all.
struct InboxTransaction {
    private let transaction: PostgresTransaction
    private let handlers: HandlerTable
    private var effects = InboxEffects()

    init(_ transaction: PostgresTransaction, _ handlers: HandlerTable) {
        self.transaction = transaction
        self.handlers = handlers
    }

    /// Applies messages.
    /// - Parameters:
    ///   - messages: each id once, in the order of ``BatchContents``.
    ///   - received: told the new ids as soon as they are known.
    mutating func apply(
        _ messages: ArraySlice<InboundMessage>, received: (Set<UUID>) -> Void
    ) async throws -> InboxEffects {
        let ids = try await InboxStore(transaction).insert(messages.map(\.event.id))
        received(ids)
        effects.duplicateCount = messages.count - ids.count
        let fresh = ids.count == messages.count ? messages : messages.filter { ids.contains($0.event.id) }[...]
        let ordered = fresh.firstIndex(where: \.isSequenced) ?? fresh.endIndex
        try await applyUnordered(fresh[..<ordered])
        try await applyInSequence(fresh[ordered...])
        try await finish()
        return effects
    }

    /// Applies an event whose receipt was noted before, and nothing that waits behind it.
    mutating func revive(_ message: InboundMessage) async throws -> InboxEffects {
        if message.isSequenced {
            let (store, key) = (InboxStore(transaction), message.event.key)
            guard let place = try await store.lock([key])[key] else { return effects }
            var run = SubjectRun(key, place, handlers, transaction)
            try await run.go([message], firstParked: nil, effects: &effects)
            if run.last > place.last { try await store.advance([(key, run.last)]) }
        } else {
            try await applyUnordered([message])
        }
        try await finish()
        return effects
    }

    /// Tries the parked events of a subject again.
    mutating func resume(_ key: OrderKey, _ place: InboxStore.Place) async throws -> InboxEffects {
        let parked = ParkedStore(transaction)
        let first = try await parked.firstSequences(behind: [(key, place.last)])[key]
        var run = SubjectRun(key, place, handlers, transaction)
        try await run.go([], firstParked: first, effects: &effects)
        if run.last > place.last { try await InboxStore(transaction).advance([(key, run.last)]) }
        try await finish()
        effects.duplicateCount += try await parked.removePast(of: key, last: run.last)
        try await parked.postponeGap(of: key)
        return effects
    }

    /// Tries a parked event outside any order again.
    mutating func resume(_ message: InboundMessage) async throws -> InboxEffects {
        let event = message.event
        let outcome = try await handlers.apply(event, in: transaction)
        if case .notReady(let reason) = outcome {
            effects.postponed.append((event.id, reason))
        } else {
            effects.count(outcome, of: event.type)
            effects.unparked.append(event.id)
        }
        try await finish()
        return effects
    }

    private mutating func applyUnordered(_ messages: ArraySlice<InboundMessage>) async throws {
        var batches: [String: [InboundEvent]] = [:]
        var types: [String] = []
        for message in messages {
            let event = message.event
            guard handlers.isBatch(event.type) else {
                let outcome = try await handlers.apply(event, in: transaction)
                if case .notReady(let reason) = outcome {
                    effects.parkings.append(InboxEffects.Parking(message: message, cause: .readiness, reason: reason))
                } else {
                    effects.count(outcome, of: event.type)
                }
                continue
            }
            if batches[event.type] == nil { types.append(event.type) }
            batches[event.type, default: []].append(event)
        }
        for type in types {
            guard let events = batches[type] else { continue }
            try await handlers.apply(events, in: transaction)
            effects.applied[type, default: 0] += events.count
        }
    }

    private mutating func applyInSequence(_ messages: ArraySlice<InboundMessage>) async throws {
        guard !messages.isEmpty else { return }
        let store = InboxStore(transaction)
        let subjects = Dictionary(grouping: messages, by: \.event.key).sorted { $0.key < $1.key }
        let (places, firstParked) = try await store.lockAndLook(subjects.map(\.key))
        var advanced: [(key: OrderKey, last: Int64)] = []
        for (key, events) in subjects {
            guard let place = places[key] else { continue }
            var run = SubjectRun(key, place, handlers, transaction)
            try await run.go(events, firstParked: firstParked[key], effects: &effects)
            if run.last > place.last { advanced.append((key, run.last)) }
        }
        try await store.advance(advanced)
    }

    private func finish() async throws {
        let store = ParkedStore(transaction)
        try await store.park(effects.parkings)
        try await store.remove(effects.unparked)
        try await store.postpone(effects.postponed)
    }
}
