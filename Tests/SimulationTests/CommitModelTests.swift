import Foundation
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Inbox

/// How a commit ends that nobody answers, asked of PostgreSQL and of the model that stands for it in simulations.
@Suite(.timeLimit(.minutes(10))) struct CommitModelTests {
    private static let modelSeeds: ClosedRange<UInt64> = 1...30

    @Test(arguments: [true, false])
    func commitWithoutAnAnswerHappenedOrNot(happened: Bool) async throws {
        let notes = ["unknown", "received \(happened ? 3 : 1) of 3"]
        for seed in Self.modelSeeds {
            let world = SimulatedWorld(seed: seed)
            let model = ModelInbox(world, faultCount: 0) { _, _ in true }
            let found = try world.play { try await Self.loseCommit(model, happened) { model.endNextCommit($0) } }
            #expect(found == notes, "the model, seed \(seed)")
        }
        let migrations = OutboxSchema.migrations + InboxSchema.migrations
        try await withDatabase(schema: "reporting", migrations: migrations) { _, url in
            var components = try #require(URLComponents(string: url))
            let proxy = try CuttingProxy(to: #require(components.port))
            defer { proxy.close() }
            components.port = proxy.port
            let pool = PostgresPool(
                configuration: PostgresConfiguration(
                    connectionString: try #require(components.string), schema: "reporting", applicationName: "contract",
                    connectionCountMax: 2), logger: TestBroker.quietLogger)
            let database = PostgresInboxDatabase(pool: pool, handlers: HandlerTable([]))
            let found = try await Self.loseCommit(database, happened) { end in
                proxy.cut(when: .clientSends(Array("COMMIT\0".utf8), isForwarded: end == .unknownAndDone))
            }
            #expect(found == notes, "PostgreSQL")
            await pool.close()
        }
    }

    private static func loseCommit(
        _ database: some InboxDatabase & Sendable, _ happened: Bool, _ lose: @Sendable (ModelInbox.End) -> Void
    ) async throws -> [String] {
        let (old, new) = (try contractMessage(1).event, [try contractMessage(2).event, try contractMessage(3).event])
        var notes: [String] = []
        _ = try await database.withTransaction { try await $0.insert([old]) }
        lose(happened ? .unknownAndDone : .unknownAndUndone)
        do {
            _ = try await database.withTransaction { try await $0.insert(new) }
        } catch let error as PostgresError where error.code == .commitUnknown {
            notes.append("unknown")
        }
        // Whoever inserts the same ids waits for the end of the one whose answer was lost.
        do {
            try await database.withTransaction { session in
                _ = try await session.insert(new)
                throw Undone()
            }
        } catch is Undone {}
        notes.append("received \(try await database.receiptCount(of: Set((new + [old]).map(\.id)))) of 3")
        return notes
    }
}
