import Events
import FoundationEssentials
import Outbox
import Synchronization

@testable import Inbox
@testable import Postgres

/// The inbox's tables as PostgreSQL keeps them under READ COMMITTED: a statement sees what was committed when it began
/// and what its own transaction wrote; rows are locked until the end; a commit may fail, or nobody learns how it ended.
final class ModelInbox: InboxDatabase, Sendable {
    struct ParkedRow: Sendable {
        let message: InboundMessage
        var waitsFor: ParkingCause
        /// After the start.
        var nextAttemptAt: Duration
        var attempts = 0
    }

    struct Tables: Sendable {
        var received: Set<UUID> = []
        var places: [OrderKey: InboxStore.Place] = [:]
        var parked: [UUID: ParkedRow] = [:]
        /// What handlers did: the sequences of each subject in the order of applying.
        var applied: [OrderKey: [Int64]] = [:]
    }

    /// What a transaction wrote, in its order, to be done again over whatever is committed by then.
    typealias Change = @Sendable (inout Tables) -> Void

    enum End: CaseIterable {
        case lost, unknownAndUndone, unknownAndDone
    }

    private struct State {
        var tables = Tables()
        var nextEnd: End?
        var lastTransaction: Int64 = 0
        var openCount = 0
        /// How many transactions may still fail.
        var faultsLeft: Int
    }

    let world: SimulatedWorld
    private let state: Mutex<State>
    fileprivate let idLocks = ModelLocks<UUID>()
    fileprivate let keyLocks = ModelLocks<OrderKey>()
    /// Whether a handler has what it needs; it may not for a while.
    fileprivate let isReady: @Sendable (InboundEvent, Tables) -> Bool

    init(
        _ world: SimulatedWorld, faultCount: Int, isReady: @escaping @Sendable (InboundEvent, Tables) -> Bool
    ) {
        self.world = world
        self.isReady = isReady
        state = Mutex(State(faultsLeft: faultCount))
    }

    var tables: Tables { state.withLock { $0.tables } }
    /// Transactions that run.
    var openCount: Int { state.withLock { $0.openCount } }

    func withTransaction<R>(_ body: (Session) async throws -> R) async throws -> R {
        let number = state.withLock { state in
            state.lastTransaction += 1
            state.openCount += 1
            return state.lastTransaction
        }
        defer {
            idLocks.release(by: number)
            keyLocks.release(by: number)
            state.withLock { $0.openCount -= 1 }
        }
        let session = Session(inbox: self, number: number)
        let result = try await body(session)
        await world.pause()
        try commit(session)
        await world.pause()
        return result
    }

    /// By a new connection, so a while after the one that was lost.
    func receiptCount(of ids: Set<UUID>) async throws -> Int {
        try await world.sleep(for: .milliseconds(world.number(0...30)))
        if takeFault(onceIn: 12) { throw PostgresError(.connectionLost) }
        return tables.received.intersection(ids).count
    }

    private func commit(_ session: Session) throws {
        let end = state.withLock { state in
            defer { state.nextEnd = nil }
            return state.nextEnd
        }
        switch end ?? (takeFault(onceIn: 12) ? End.allCases[world.number(0...2)] : nil) {
        case .lost: throw PostgresError(.connectionLost)
        case .unknownAndUndone: throw PostgresError(.commitUnknown)
        case .unknownAndDone:
            state.withLock { session.apply(to: &$0.tables) }
            throw PostgresError(.commitUnknown)
        case nil: state.withLock { session.apply(to: &$0.tables) }
        }
    }

    /// For the contract: whatever chance says.
    func endNextCommit(_ end: End) { state.withLock { $0.nextEnd = end } }

    fileprivate func takeFault(onceIn count: Int) -> Bool {
        let happens = world.happens(onceIn: count)
        return state.withLock { state in
            guard happens, state.faultsLeft > 0 else { return false }
            state.faultsLeft -= 1
            return true
        }
    }

    /// What the sweep looks after.
    func candidates() -> [(key: OrderKey, id: UUID)] {
        let now = world.elapsed
        return tables.parked.filter { $0.value.nextAttemptAt <= now }
            .map { (key: $0.value.message.event.key, id: $0.key) }.sorted { ($0.key, $0.id) < ($1.key, $1.id) }
    }

    /// One transaction.
    final class Session: InboxSession {
        private let inbox: ModelInbox
        private let number: Int64
        private var changes: [Change] = []

        fileprivate init(inbox: ModelInbox, number: Int64) {
            self.inbox = inbox
            self.number = number
        }

        fileprivate func apply(to tables: inout Tables) { for change in changes { change(&tables) } }

        /// What a statement that begins now sees.
        private var seen: Tables {
            var tables = inbox.tables
            apply(to: &tables)
            return tables
        }

        private func statement() async throws {
            for _ in 0..<inbox.world.number(0...2) { await inbox.world.pause() }
            if inbox.takeFault(onceIn: 60) { throw PostgresError(.connectionLost) }
        }

        func insert(_ events: [InboundEvent]) async throws -> Set<UUID> {
            try await statement()
            let ids = events.map(\.id)
            var fresh: Set<UUID> = []
            for id in ids.sorted() {
                // Whoever inserts the same key waits for the first one's end.
                await inbox.idLocks.take(id, by: number)
                if !seen.received.contains(id) { fresh.insert(id) }
            }
            let inserted = fresh
            changes.append { $0.received.formUnion(inserted) }
            return fresh
        }

        func lock(_ keys: [OrderKey]) async throws -> [OrderKey: InboxStore.Place] {
            try await statement()
            for key in keys { await inbox.keyLocks.take(key, by: number) }
            changes.append { tables in
                for key in keys where tables.places[key] == nil {
                    tables.places[key] = InboxStore.Place(last: 0, dead: nil)
                }
            }
            return read(keys)
        }

        func lockAndLook(
            _ keys: [OrderKey]
        ) async throws -> (
            places: [OrderKey: InboxStore.Place], firstParked: [OrderKey: Int64]
        ) {
            let places = try await lock(keys)
            return (places, try await firstSequences(behind: places.map { (key: $0.key, last: $0.value.last) }))
        }

        /// As ``lock(_:)`` without the lock.
        func read(_ keys: [OrderKey]) -> [OrderKey: InboxStore.Place] {
            let tables = seen
            return Dictionary(
                uniqueKeysWithValues: keys.map { key in
                    (key, tables.places[key] ?? InboxStore.Place(last: 0, dead: nil))
                })
        }

        func lockIfFree(_ key: OrderKey) async throws -> InboxStore.Place? {
            try await statement()
            guard seen.places[key] != nil, inbox.keyLocks.takeIfFree(key, by: number) else { return nil }
            return read([key])[key]
        }

        func advance(_ places: [(key: OrderKey, last: Int64)]) async throws {
            try await statement()
            changes.append { tables in
                for (key, last) in places { tables.places[key] = InboxStore.Place(last: last, dead: nil) }
            }
        }

        func firstSequences(behind places: [(key: OrderKey, last: Int64)]) async throws -> [OrderKey: Int64] {
            try await statement()
            let parked = seen.parked.values.map(\.message.event)
            var first: [OrderKey: Int64] = [:]
            for (key, last) in places {
                first[key] = parked.filter { $0.key == key && $0.sequence > last }.map(\.sequence).min()
            }
            return first
        }

        func run(of key: OrderKey, behind last: Int64) async throws -> [ParkedStore.Parked] {
            try await statement()
            let now = inbox.world.elapsed
            let rows = seen.parked.values.filter { $0.message.event.key == key && $0.message.event.sequence > last }
                .sorted { $0.message.event.sequence < $1.message.event.sequence }
            var run: [ParkedStore.Parked] = []
            for row in rows {
                guard row.message.event.sequence == last + Int64(run.count) + 1 else { break }
                let isDue = row.waitsFor != .readiness || row.nextAttemptAt <= now
                run.append(ParkedStore.Parked(message: row.message, isDue: isDue))
            }
            return run
        }

        func park(_ parkings: [InboxEffects.Parking]) async throws {
            guard !parkings.isEmpty else { return }
            try await statement()
            let now = inbox.world.elapsed
            let rows = parkings.map { parking in
                ParkedRow(
                    message: parking.message, waitsFor: parking.cause,
                    nextAttemptAt: now + (parking.cause == .readiness ? .seconds(1) : .seconds(60)))
            }
            changes.append { tables in for row in rows { tables.parked[row.message.event.id] = row } }
        }

        func remove(_ ids: [UUID]) async throws {
            guard !ids.isEmpty else { return }
            try await statement()
            changes.append { tables in for id in ids { tables.parked[id] = nil } }
        }

        func postpone(_ postponed: [(id: UUID, reason: String)]) async throws {
            guard !postponed.isEmpty else { return }
            try await statement()
            let now = inbox.world.elapsed
            let ids = postponed.map(\.id)
            changes.append { tables in
                for id in ids {
                    guard var row = tables.parked[id] else { continue }
                    row.attempts += 1
                    row.waitsFor = .readiness
                    row.nextAttemptAt = now + .seconds(min(1 << min(row.attempts, 9), 300))
                    tables.parked[id] = row
                }
            }
        }

        func removePast(of key: OrderKey, last: Int64) async throws -> Int {
            try await statement()
            let past = seen.parked.filter {
                $0.value.message.event.key == key && $0.value.message.event.sequence <= last
            }
            let ids = Array(past.keys)
            changes.append { tables in for id in ids { tables.parked[id] = nil } }
            return ids.count
        }

        func postponeGap(of key: OrderKey) async throws {
            try await statement()
            let now = inbox.world.elapsed
            changes.append { tables in
                for (id, row) in tables.parked where row.message.event.key == key && row.nextAttemptAt <= now {
                    tables.parked[id]?.nextAttemptAt = now + .seconds(300)
                }
            }
        }

        func apply(_ event: InboundEvent) async throws -> HandlerOutcome {
            try await statement()
            guard inbox.isReady(event, seen) else { return .notReady(reason: "what it refers to is not there") }
            let (key, sequence) = (event.key, event.sequence)
            changes.append { $0.applied[key, default: []].append(sequence) }
            return .applied
        }

        func apply(_ events: [InboundEvent]) async throws {
            for event in events { _ = try await apply(event) }
        }
    }
}
