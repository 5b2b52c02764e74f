import Events
import FoundationEssentials
import Metrics
import Observability
import Postgres

/// The handlers of a service by event type, and what follows from them for whole nouns.
struct HandlerTable: Sendable {
    private struct Entry: Sendable {
        let handler: EventHandler
        let duration: Metrics.Timer
    }

    private struct Stream: Hashable {
        let owner: EventOwner
        let noun: String
    }

    private let entries: [String: Entry]
    /// A noun with one handler that needs its predecessor is applied in sequence as a whole.
    private let sequenced: Set<Stream>

    init(_ handlers: [EventHandler]) {
        var entries: [String: Entry] = [:]
        var sequenced: Set<Stream> = []
        for handler in handlers {
            let name = handler.type.name
            precondition(entries[name] == nil, "\(name) has two handlers: give it one that does both things")
            let duration = Metrics.Timer(label: "inbox_handler_duration_seconds", dimensions: [("type", name)])
            entries[name] = Entry(handler: handler, duration: duration)
            if case .single(.inSequence, _) = handler.body {
                sequenced.insert(Stream(owner: handler.type.owner, noun: handler.type.noun))
            }
        }
        self.entries = entries
        self.sequenced = sequenced
    }

    /// `owner.noun` of what is applied in sequence.
    var sequencedNouns: Set<String> { Set(sequenced.map { "\($0.owner.rawValue).\($0.noun)" }) }

    func isSequenced(_ event: InboundEvent) -> Bool { isSequenced(event.owner, event.stream) }

    func isSequenced(_ owner: EventOwner, _ noun: String) -> Bool {
        sequenced.contains(Stream(owner: owner, noun: noun))
    }

    /// Whether events of this type are handed over together.
    func isBatch(_ type: String) -> Bool {
        if case .batch = entries[type]?.handler.body { true } else { false }
    }

    /// Applies one event within its trace. A type without a handler only counts in its sequence.
    /// - Throws: ``HandlerFailure`` that names the event, or the database's error as it is when trying again may help.
    func apply(_ event: InboundEvent, in transaction: PostgresTransaction) async throws -> HandlerOutcome {
        guard let entry = entries[event.type] else { return .ignored(reason: "no handler") }
        let start = ContinuousClock.now
        defer { entry.duration.recordNanoseconds(start.duration(to: .now).nanoseconds) }
        let trace = event.traceparent.flatMap { TraceContext(traceparent: $0)?.child() } ?? TraceContext.generate()
        do {
            return try await TraceContext.$current.withValue(trace) {
                switch entry.handler.body {
                case .single(_, let apply): return try await apply(event, transaction)
                case .batch(let apply):
                    try await apply([event], transaction)
                    return .applied
                }
            }
        } catch {
            throw Self.attributed(error, to: event.id)
        }
    }

    /// Applies events of one type with a batch handler.
    func apply(_ events: [InboundEvent], in transaction: PostgresTransaction) async throws {
        guard let type = events.first?.type, let entry = entries[type], case .batch(let apply) = entry.handler.body
        else {
            return
        }
        let start = ContinuousClock.now
        defer { entry.duration.recordNanoseconds(start.duration(to: .now).nanoseconds) }
        do {
            try await apply(events, transaction)
        } catch {
            throw Self.attributed(error, to: events.count == 1 ? events.first?.id : nil)
        }
    }

    private static func attributed(_ error: any Error, to eventID: UUID?) -> any Error {
        switch FailureKind(error) {
        case .conflict, .outage, .stop: error
        case .permanent: error as? HandlerFailure ?? HandlerFailure(eventID: eventID, error: error)
        }
    }
}

extension Duration {
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
