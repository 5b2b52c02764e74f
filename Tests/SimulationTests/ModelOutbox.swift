import Events
import FoundationEssentials
import RabbitMQ
import Synchronization
import TestSupport

@testable import Outbox
@testable import Postgres

/// The log and the outbox of one schema as PostgreSQL keeps them: positions are drawn before the commit and become
/// visible with it, so in any order; a connection can be lost at any statement.
final class ModelOutbox: Sendable {
    struct Event: Sendable {
        let position: Int64
        let key: SubjectKey
        let sequence: Int64

        var id: String { "\(key.subject)/\(sequence)" }
    }

    private struct State {
        var lastPosition: Int64 = 0
        var lastTransaction: Int64 = 100
        var running: Set<Int64> = []
        var versions: [SubjectKey: Int64] = [:]
        /// Committed.
        var log: [Int64: Event] = [:]
        var outbox: Set<Int64> = []
        var leader: Int?
        var lastConnection = 0
        var lost: Set<Int> = []
    }

    let world: SimulatedWorld
    private let state = Mutex(State())
    private let locks = ModelLocks<SubjectKey>()

    /// How long a statement may take, in others' steps; with none the leader goes on at once.
    private let pauseMax: Int

    init(_ world: SimulatedWorld) {
        self.world = world
        pauseMax = world.number(0...2)
    }

    var committed: [Event] { state.withLock { $0.log.values.sorted { $0.position < $1.position } } }
    var waitingCount: Int { state.withLock { $0.outbox.count } }

    // MARK: Writers

    /// One transaction: the subject's row is locked, then the position is drawn, then others may overtake.
    /// - Parameter whileOpen: runs before the end.
    func append(to keys: [SubjectKey], commits: Bool, whileOpen: @Sendable () async -> Void = {}) async {
        let transaction = state.withLock { state in
            state.lastTransaction += 1
            state.running.insert(state.lastTransaction)
            return state.lastTransaction
        }
        var events: [Event] = []
        var versions: [SubjectKey: Int64] = [:]
        for key in keys.sorted() {
            await locks.take(key, by: transaction)
            await world.pause()
            events.append(
                state.withLock { state in
                    state.lastPosition += 1
                    let sequence = (versions[key] ?? state.versions[key, default: 0]) + 1
                    versions[key] = sequence
                    return Event(position: state.lastPosition, key: key, sequence: sequence)
                })
            await world.pause()
        }
        await whileOpen()
        state.withLock { state in
            state.running.remove(transaction)
            guard commits else { return }
            for event in events {
                state.log[event.position] = event
                state.outbox.insert(event.position)
            }
            state.versions.merge(versions) { _, new in new }
        }
        locks.release(by: transaction)
    }

    // MARK: Connections

    func connect() -> Int {
        state.withLock { state in
            state.lastConnection += 1
            return state.lastConnection
        }
    }

    /// The session's advisory lock.
    func becomeLeader(_ connection: Int) async throws -> Bool {
        try await statement(connection) { state in
            guard state.leader == nil else { return false }
            state.leader = connection
            return true
        }
    }

    /// The server ends a session together with its lock. Its client finds out at the next statement.
    func loseLeader() {
        state.withLock { state in
            guard let leader = state.leader else { return }
            state.lost.insert(leader)
            state.leader = nil
        }
    }

    func disconnect(_ connection: Int) {
        state.withLock { if $0.leader == connection { $0.leader = nil } }
    }

    private func statement<R: Sendable>(
        _ connection: Int, _ body: @Sendable (inout State) -> R
    ) async throws -> R {
        for _ in 0..<world.number(0...pauseMax) { await world.pause() }
        guard !Task.isCancelled else { throw PostgresError(.cancelled) }
        let result: R? = state.withLock { state in state.lost.contains(connection) ? nil : body(&state) }
        if pauseMax > 0 { await world.pause() }
        // What was executed may be answered to nobody.
        guard let result, !state.withLock({ $0.lost.contains(connection) }) else {
            throw PostgresError(.connectionLost)
        }
        return result
    }

    /// What the relay's leader sees of it.
    struct Session: OutboxQueue {
        let outbox: ModelOutbox
        let connection: Int

        func prepareSession() async throws { try await statement { _ in } }

        func look(_ look: OutboxLook) async throws -> [OutboxRow] {
            try await statement { state in
                state.outbox.subtract(look.published)
                let sorted = state.outbox.sorted()
                let found =
                    sorted.filter(look.missing.contains) + Self.behind(look.cursor, in: sorted, look.limit)
                return found.sorted().compactMap { state.log[$0].map(Self.row) }
            }
        }

        func positions(after cursor: Int64, limit: Int) async throws -> [Int64] {
            try await statement { Self.behind(cursor, in: $0.outbox.sorted(), limit) }
        }

        func queued(_ positions: [Int64]) async throws -> [Int64] {
            try await statement { state in positions.filter { state.outbox.contains($0) } }
        }

        func snapshot() async throws -> TransactionSnapshot {
            try await statement { state in
                let next = state.lastTransaction + 1
                return TransactionSnapshot(oldestRunning: state.running.min() ?? next, next: next)
            }
        }

        func rows(at positions: [Int64]) async throws -> [OutboxRow] {
            try await statement { state in positions.sorted().compactMap { state.log[$0].map(Self.row) } }
        }

        func predecessors(of rows: [OutboxRow]) async throws -> [(of: Int64, at: Int64)] {
            let wanted = rows.map { (position: $0.position, key: $0.key, sequence: $0.sequence) }
            return try await statement { state in
                wanted.compactMap { row in
                    state.log.values.first { $0.key == row.key && $0.sequence == row.sequence - 1 }
                        .flatMap { state.outbox.contains($0.position) ? (of: row.position, at: $0.position) : nil }
                }
            }
        }

        func delete(_ positions: [Int64]) async throws { try await statement { $0.outbox.subtract(positions) } }

        func backlog() async throws -> OutboxStore.Backlog {
            try await statement { OutboxStore.Backlog(rowCount: Int64($0.outbox.count), oldestAgeSeconds: 0) }
        }

        private func statement<R: Sendable>(_ body: @Sendable (inout State) -> R) async throws -> R {
            try await outbox.statement(connection, body)
        }

        private static func behind(_ cursor: Int64, in positions: [Int64], _ limit: Int) -> [Int64] {
            Array(positions.filter { $0 > cursor }.prefix(limit))
        }

        private static func row(_ event: Event) -> OutboxRow {
            let message = OutgoingMessage(
                exchange: "model", routingKey: event.key.stream, body: [], messageID: event.id, contentType: "model")
            return OutboxRow(
                position: event.position, key: event.key, sequence: event.sequence, age: .zero, message: message,
                mayBeReturned: false)
        }
    }
}
