import Events
import FoundationEssentials
import Migrations
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import Inbox

/// What the inbox's rules rest on, asked of PostgreSQL and of the model that stands for it in simulations.
@Suite(.timeLimit(.minutes(10))) struct InboxModelTests {
    private static let modelSeeds: ClosedRange<UInt64> = 1...30

    @Test(arguments: [true, false])
    func secondReceiptWaitsForTheFirstsEnd(firstCommits: Bool) async throws {
        try await expect(["first ends", "second is \(firstCommits ? "a duplicate" : "new")"]) { stage in
            try await InboxContract.receipt(stage, firstCommits: firstCommits)
        }
    }

    @Test func whoeverWaitsForASubjectSeesWhatItsHolderDid() async throws {
        try await expect(["holder ends", "place 1", "first parked 3"]) { try await InboxContract.order($0) }
    }

    @Test func parkedRunEndsAtTheFirstGapAndRollbackLeavesNothing() async throws {
        try await expect(["own 2", "none", "run 2 true, 3 true", "run 2 false"]) { try await InboxContract.parking($0) }
    }

    private func expect(
        _ notes: [String], of contract: @escaping @Sendable (any InboxStage) async throws -> [String]
    ) async throws {
        for seed in Self.modelSeeds {
            let world = SimulatedWorld(seed: seed)
            let model = ModelInbox(world, faultCount: 0) { _, _ in true }
            #expect(try world.play { try await contract(model) } == notes, "the model, seed \(seed)")
        }
        let migrations = OutboxSchema.migrations + InboxSchema.migrations
        try await withDatabase(schema: "reporting", migrations: migrations) { pool, _ in
            let found = try await contract(PostgresStage(pool: pool))
            #expect(found == notes, "PostgreSQL")
        }
    }
}

protocol InboxStage: Sendable {
    func transaction<R: Sendable>(_ body: @Sendable (any InboxSession) async throws -> R) async throws -> R
    func untilSomebodyWaits() async throws
}

extension ModelInbox: InboxStage {
    func transaction<R: Sendable>(_ body: @Sendable (any InboxSession) async throws -> R) async throws -> R {
        try await withTransaction { try await body($0) }
    }

    /// Time passes when nobody can go on.
    func untilSomebodyWaits() async throws { try await world.sleep(for: .seconds(1)) }
}

private struct PostgresStage: InboxStage {
    let pool: PostgresPool

    func transaction<R: Sendable>(_ body: @Sendable (any InboxSession) async throws -> R) async throws -> R {
        try await pool.withTransaction { try await body(PostgresInboxSession($0, HandlerTable([]))) }
    }

    func untilSomebodyWaits() async throws {
        try await waitUntil("a transaction waits for a lock") {
            try await !pool.query(
                "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            ).isEmpty
        }
    }
}

private enum InboxContract {
    static let key = OrderKey(owner: .feedback, stream: "milestone", subject: "s")

    static func receipt(_ stage: any InboxStage, firstCommits: Bool) async throws -> [String] {
        let (notes, inserted, event) = (Notes(), Gate(), try contractMessage(1).event)
        async let first: Void = stage.transaction { session in
            _ = try await session.insert([event])
            inserted.open()
            try await stage.untilSomebodyWaits()
            notes.add("first ends")
            if !firstCommits { throw Undone() }
        }
        await inserted.pass()
        let fresh = try await stage.transaction { try await $0.insert([event]) }
        notes.add("second is \(fresh.isEmpty ? "a duplicate" : "new")")
        do { try await first } catch is Undone {}
        return notes.all
    }

    static func order(_ stage: any InboxStage) async throws -> [String] {
        let (notes, locked) = (Notes(), Gate())
        async let holder: Void = stage.transaction { session in
            _ = try await session.lock([key])
            locked.open()
            try await stage.untilSomebodyWaits()
            try await session.park([try parking(3)])
            try await session.advance([(key, 1)])
            notes.add("holder ends")
        }
        await locked.pass()
        try await stage.transaction { session in
            let (places, firstParked) = try await session.lockAndLook([key])
            notes.add("place \(places[key]?.last ?? -1)")
            notes.add("first parked \(firstParked[key] ?? -1)")
        }
        try await holder
        return notes.all
    }

    static func parking(_ stage: any InboxStage) async throws -> [String] {
        let notes = Notes()
        do {
            try await stage.transaction { session in
                _ = try await session.lock([key])
                try await session.park([try parking(2)])
                notes.add("own \(try await session.firstSequences(behind: [(key, 1)])[key] ?? -1)")
                throw Undone()
            }
        } catch is Undone {}
        let events = [try parking(2), try parking(3), try parking(5)]
        try await stage.transaction { session in
            _ = try await session.lock([key])
            let first = try await session.firstSequences(behind: [(key, 1)])[key]
            notes.add(first.map { "left \($0)" } ?? "none")
            try await session.park(events)
        }
        for _ in 0..<2 {
            try await stage.transaction { session in
                _ = try await session.lock([key])
                let run = try await session.run(of: key, behind: 1)
                notes.add("run " + run.map { "\($0.message.event.sequence) \($0.isDue)" }.joined(separator: ", "))
                try await session.remove([events[1].message.event.id])
                try await session.postpone([(events[0].message.event.id, "not ready")])
            }
        }
        return notes.all
    }

    private static func parking(_ sequence: Int64) throws -> InboxEffects.Parking {
        InboxEffects.Parking(message: try contractMessage(sequence), cause: .predecessor, reason: "a gap")
    }
}

/// A new event of a subject that is applied in sequence.
func contractMessage(_ sequence: Int64) throws -> InboundMessage {
    let message = try EventBuilders.message(EventBuilders.milestoneReached(), subject: "s", sequence: sequence)
    let handlers = HandlerTable([.on(MilestoneReached.self) { _, _, _ in .applied }])
    let contents = BatchContents(DeliveryBatch([message]), handlers)
    guard let message = contents.messages.first else { throw Undone() }
    return message
}
