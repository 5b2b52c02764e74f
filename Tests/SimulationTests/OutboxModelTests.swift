import Events
import Postgres
import TestSupport
import Testing

@testable import Outbox

/// What the relay's rules rest on, asked of PostgreSQL and of the model that stands for it in simulations.
@Suite(.timeLimit(.minutes(10))) struct OutboxModelTests {
    private static let modelSeeds: ClosedRange<UInt64> = 1...30

    @Test func rowAppearsBelowOthersWhenItsTransactionEndsLate() async throws {
        let notes = ["seen b", "the open one is older than the next: true", "seen a b", "it has ended"]
        try await expect(notes) { try await OutboxContract.lateCommit($0) }
    }

    @Test func predecessorIsInTheWayAsLongAsItWaits() async throws {
        try await expect(["a 1, a 2", "1 in the way", "0 in the way", "1 queued"]) {
            try await OutboxContract.predecessor($0)
        }
    }

    @Test func aLookDeletesAndFindsWhatWasMissing() async throws {
        try await expect(["seen b", "seen a c, deleted b"]) { try await OutboxContract.look($0) }
    }

    @Test func oneSessionLeadsUntilItEnds() async throws {
        try await expect(["true false", "true"]) { try await OutboxContract.leaders($0) }
    }

    private func expect(
        _ notes: [String], of contract: @escaping @Sendable (any OutboxStage) async throws -> [String]
    ) async throws {
        for seed in Self.modelSeeds {
            let world = SimulatedWorld(seed: seed)
            #expect(try world.play { try await contract(ModelOutbox(world)) } == notes, "the model, seed \(seed)")
        }
        try await withDatabase(schema: "feedback", migrations: OutboxSchema.migrations) { pool, _ in
            let found = try await contract(PostgresStage(pool: pool))
            #expect(found == notes, "PostgreSQL")
        }
    }
}

protocol OutboxStage: Sendable {
    /// One transaction with an event of that subject.
    func append(_ subject: String, whileOpen: @Sendable () async -> Void) async throws
    /// Transactions of other databases on the server count among those that run.
    func untilItHolds(_ condition: @Sendable () async throws -> Bool) async throws
    /// A session, and whether it leads.
    func session<R: Sendable>(_ body: @Sendable (any OutboxQueue, Bool) async throws -> R) async throws -> R
}

extension ModelOutbox: OutboxStage {
    func append(_ subject: String, whileOpen: @Sendable () async -> Void) async throws {
        await append(to: [SubjectKey(stream: "milestone", subject: subject)], commits: true, whileOpen: whileOpen)
    }

    func untilItHolds(_ condition: @Sendable () async throws -> Bool) async throws {
        guard try await condition() else { throw Undone() }
    }

    func session<R: Sendable>(_ body: @Sendable (any OutboxQueue, Bool) async throws -> R) async throws -> R {
        let connection = connect()
        defer { disconnect(connection) }
        let isLeader = try await becomeLeader(connection)
        return try await body(Session(outbox: self, connection: connection), isLeader)
    }
}

private struct PostgresStage: OutboxStage {
    let pool: PostgresPool

    func append(_ subject: String, whileOpen: @Sendable () async -> Void) async throws {
        try await pool.withTransaction { transaction in
            let event = EventBuilders.new(EventBuilders.milestoneReached(), subject: subject)
            try await EventLog.append([event], in: transaction)
            // The position is drawn now, and not with COMMIT.
            try await transaction.query("select")
            await whileOpen()
        }
    }

    func untilItHolds(_ condition: @Sendable () async throws -> Bool) async throws {
        try await waitUntil("all transactions of that time have ended", within: .seconds(60)) { try await condition() }
    }

    func session<R: Sendable>(_ body: @Sendable (any OutboxQueue, Bool) async throws -> R) async throws -> R {
        try await pool.withConnection { lease in
            let store = OutboxStore(lease, MessageFactory(owner: .feedback))
            return try await body(store, try await store.becomeLeader())
        }
    }
}

private enum OutboxContract {
    static func lateCommit(_ stage: any OutboxStage) async throws -> [String] {
        let notes = Notes()
        let before = try await whileAnEarlierOneIsOpen(stage) {
            try await stage.session { queue, _ in
                notes.add("seen " + (try await subjects(queue)))
                return try await queue.snapshot()
            }
        }
        notes.add("the open one is older than the next: \(before.oldestRunning < before.next)")
        try await stage.session { queue, _ in notes.add("seen " + (try await subjects(queue))) }
        try await stage.untilItHolds {
            try await stage.session { queue, _ in try await queue.snapshot().oldestRunning >= before.next }
        }
        notes.add("it has ended")
        return notes.all
    }

    static func look(_ stage: any OutboxStage) async throws -> [String] {
        let notes = Notes()
        let cursor = try await whileAnEarlierOneIsOpen(stage) {
            try await stage.session { queue, _ in
                var queue = queue
                let rows = try await queue.look(OutboxLook(cursor: 0, limit: 10, missing: [], published: []))
                notes.add("seen " + subjects(rows))
                return rows.last?.position ?? 0
            }
        }
        try await stage.append("c") {}
        try await stage.session { queue, _ in
            var queue = queue
            let rows = try await queue.look(
                OutboxLook(cursor: cursor, limit: 10, missing: [cursor - 1, cursor + 100], published: [cursor]))
            let isDeleted = try await queue.queued([cursor]).isEmpty
            notes.add("seen " + subjects(rows) + (isDeleted ? ", deleted b" : ""))
        }
        return notes.all
    }

    /// Runs the body when "b" is committed and "a", whose position is lower, is not; "a" commits afterwards.
    private static func whileAnEarlierOneIsOpen<R>(
        _ stage: any OutboxStage, _ body: () async throws -> R
    ) async throws -> R {
        let (isOpen, mayEnd) = (Gate(), Gate())
        async let late: Void = stage.append("a") {
            isOpen.open()
            await mayEnd.pass()
        }
        await isOpen.pass()
        try await stage.append("b") {}
        let result = try await body()
        mayEnd.open()
        try await late
        return result
    }

    static func predecessor(_ stage: any OutboxStage) async throws -> [String] {
        let notes = Notes()
        for _ in 0..<2 { try await stage.append("a") {} }
        try await stage.session { queue, _ in
            var queue = queue
            let positions = try await queue.positions(after: 0, limit: 10)
            let rows = try await queue.rows(at: positions)
            notes.add(rows.map { "\($0.key.subject) \($0.sequence)" }.joined(separator: ", "))
            notes.add(
                "\(try await queue.predecessors(of: [rows[1]]).filter { $0.at == positions[0] }.count) in the way")
            try await queue.delete([positions[0]])
            notes.add("\(try await queue.predecessors(of: [rows[1]]).count) in the way")
            notes.add("\(try await queue.queued(positions).count) queued")
        }
        return notes.all
    }

    static func leaders(_ stage: any OutboxStage) async throws -> [String] {
        let notes = Notes()
        try await stage.session { _, first in
            try await stage.session { _, second in notes.add("\(first) \(second)") }
        }
        try await stage.session { _, third in notes.add("\(third)") }
        return notes.all
    }

    private static func subjects(_ queue: any OutboxQueue) async throws -> String {
        var queue = queue
        return subjects(try await queue.rows(at: try await queue.positions(after: 0, limit: 10)))
    }

    private static func subjects(_ rows: [OutboxRow]) -> String {
        rows.map(\.key.subject).joined(separator: " ")
    }
}
