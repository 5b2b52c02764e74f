import Events
import FoundationEssentials
import Postgres

/// What the rules of the inbox ask of a transaction: ``PostgresInboxSession``, or a model of it that a simulation can
/// slow down, mix up and break.
protocol InboxSession {
    /// Notes receipts.
    /// - Returns: the ids that were not there.
    func insert(_ events: [InboundEvent]) async throws -> Set<UUID>
    func lock(_ keys: [OrderKey]) async throws -> [OrderKey: InboxStore.Place]
    /// As ``lock(_:)`` and then ``firstSequences(behind:)``.
    func lockAndLook(
        _ keys: [OrderKey]
    ) async throws -> (
        places: [OrderKey: InboxStore.Place], firstParked: [OrderKey: Int64]
    )
    func advance(_ places: [(key: OrderKey, last: Int64)]) async throws
    func firstSequences(behind places: [(key: OrderKey, last: Int64)]) async throws -> [OrderKey: Int64]
    func run(of key: OrderKey, behind last: Int64) async throws -> [ParkedStore.Parked]
    func park(_ parkings: [InboxEffects.Parking]) async throws
    func remove(_ ids: [UUID]) async throws
    func postpone(_ postponed: [(id: UUID, reason: String)]) async throws
    func removePast(of key: OrderKey, last: Int64) async throws -> Int
    func postponeGap(of key: OrderKey) async throws
    /// The handlers' part.
    func apply(_ event: InboundEvent) async throws -> HandlerOutcome
    func apply(_ events: [InboundEvent]) async throws
}

/// A transaction of the database, with the service's handlers in it.
struct PostgresInboxSession: InboxSession {
    private let inbox: InboxStore
    private let parked: ParkedStore
    private let handlers: HandlerTable
    private let transaction: PostgresTransaction

    init(_ transaction: PostgresTransaction, _ handlers: HandlerTable) {
        inbox = InboxStore(transaction)
        parked = ParkedStore(transaction)
        self.handlers = handlers
        self.transaction = transaction
    }

    func insert(_ events: [InboundEvent]) async throws -> Set<UUID> { try await inbox.insert(events) }
    func lock(_ keys: [OrderKey]) async throws -> [OrderKey: InboxStore.Place] { try await inbox.lock(keys) }
    func lockAndLook(
        _ keys: [OrderKey]
    ) async throws -> (
        places: [OrderKey: InboxStore.Place], firstParked: [OrderKey: Int64]
    ) {
        try await inbox.lockAndLook(keys)
    }
    func advance(_ places: [(key: OrderKey, last: Int64)]) async throws { try await inbox.advance(places) }
    func firstSequences(behind places: [(key: OrderKey, last: Int64)]) async throws -> [OrderKey: Int64] {
        try await parked.firstSequences(behind: places)
    }
    func run(of key: OrderKey, behind last: Int64) async throws -> [ParkedStore.Parked] {
        try await parked.run(of: key, behind: last)
    }
    func park(_ parkings: [InboxEffects.Parking]) async throws { try await parked.park(parkings) }
    func remove(_ ids: [UUID]) async throws { try await parked.remove(ids) }
    func postpone(_ postponed: [(id: UUID, reason: String)]) async throws { try await parked.postpone(postponed) }
    func removePast(of key: OrderKey, last: Int64) async throws -> Int {
        try await parked.removePast(of: key, last: last)
    }
    func postponeGap(of key: OrderKey) async throws { try await parked.postponeGap(of: key) }
    func apply(_ event: InboundEvent) async throws -> HandlerOutcome {
        try await handlers.apply(event, in: transaction)
    }
    func apply(_ events: [InboundEvent]) async throws { try await handlers.apply(events, in: transaction) }
}
