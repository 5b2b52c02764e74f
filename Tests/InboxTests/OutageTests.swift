import Events
import Foundation
import Inbox
import Logging
import Postgres
import RabbitMQ
import Synchronization
import TestSupport
import Testing

/// The database fails under the inbox.
@Suite struct OutageTests {
    /// A pool that reaches its database through a proxy, beside the direct one.
    private func withProxiedInbox(
        _ body: (_ direct: PostgresPool, _ proxied: PostgresPool, _ proxy: CuttingProxy) async throws -> Void
    ) async throws {
        try await withDatabase(schema: "reporting", migrations: listenerMigrations) { direct, url in
            var components = try #require(URLComponents(string: url))
            let proxy = try CuttingProxy(to: try #require(components.port))
            components.port = proxy.port
            let configuration = PostgresConfiguration(
                connectionString: try #require(components.string), schema: "reporting", applicationName: "proxied",
                connectionCountMax: 4)
            let proxied = PostgresPool(configuration: configuration, logger: TestBroker.quietLogger)
            let result: Result<Void, any Error>
            do { result = .success(try await body(direct, proxied, proxy)) } catch { result = .failure(error) }
            await proxied.close()
            proxy.close()
            try result.get()
        }
    }

    /// Whether the server got the COMMIT whose answer never came.
    @Test(arguments: [true, false])
    func anUnknownCommitIsDecidedByTheReceipts(isCommitted: Bool) async throws {
        try await withProxiedInbox { direct, proxied, proxy in
            // given
            let runCount = Shared(0)
            let handler = EventHandler.on(MilestoneReached.self) { _, event, transaction in
                // Not earlier: the inbox commits other transactions, too.
                if runCount.change({
                    $0 += 1; return $0
                }) == 1 {
                    proxy.cut(when: .clientSends(Array("COMMIT".utf8), isForwarded: isCommitted))
                }
                try await note(event, transaction)
                return .applied
            }
            let inbox = makeInbox(proxied, [handler])
            // when
            try await inbox.process(milestones([1]))
            // then
            #expect(proxy.cutCount == 1)
            #expect(try await direct.effects() == [1])
            #expect(runCount.value == (isCommitted ? 1 : 2))
        }
    }

    /// A copy of a message may be in another replica's hands. Its receipt says nothing about our transaction.
    @Test func receiptsOfAnotherReplicaDoNotStandForTheBatch() async throws {
        try await withProxiedInbox { direct, proxied, proxy in
            // given: twenty events, of which another replica receives all but the last while we commit
            let messages = try milestones(1...20)
            let ids = try messages.dropLast().map { try #require(UUID(uuidString: $0.messageID)) }
            let other = Shared<Task<Void, any Error>?>(nil)
            let handler = EventHandler.on(MilestoneReached.self, order: .commutative) { _, event, transaction in
                try await note(event, transaction)
                guard event.sequence == 20, other.value == nil else { return .applied }
                let receiving = Task { _ = try await direct.query("insert into inbox (id) select unnest(\(ids))") }
                other.change { $0 = receiving }
                try await waitUntil("the other replica waits for our receipts") {
                    try await direct.query(
                        """
                        select from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock'
                        """
                    ).count == 1
                }
                proxy.cut(when: .clientSends(Array("COMMIT\0".utf8), isForwarded: false))
                return .applied
            }
            // when
            try await makeInbox(proxied, [handler]).process(messages)
            // then: what the other one has is its own affair, and the last event is not lost
            try await other.value?.value
            #expect(proxy.cutCount == 1)
            #expect(try await direct.effects() == [20])
            #expect(try await direct.receiptCount() == 20)
        }
    }

    @Test func anUnknownCommitOfDuplicatesIsNoLoss() async throws {
        try await withProxiedInbox { direct, proxied, proxy in
            // given
            let inbox = makeInbox(proxied, [noteMilestones()])
            let messages = try milestones(1...3)
            try await inbox.process(messages)
            // when
            proxy.cut(when: .clientSends(Array("COMMIT\0".utf8), isForwarded: false))
            try await inbox.process(messages)
            // then
            #expect(proxy.cutCount == 1)
            #expect(try await direct.effects() == [1, 2, 3])
        }
    }

    @Test func aLostConnectionBetweenStatementsIsRepeatedAndTakesEffectOnce() async throws {
        try await withProxiedInbox { direct, proxied, proxy in
            // given
            proxy.cut(when: .clientSends(Array("insert into effects".utf8), isForwarded: true))
            // when
            try await makeInbox(proxied, [noteMilestones()]).process(milestones(1...5))
            // then
            #expect(proxy.cutCount == 1)
            #expect(try await direct.effects() == Array(1...5))
        }
    }

    @Test func aConflictIsRepeatedUntilItIsWon() async throws {
        try await withInbox { pool in
            // given
            let failuresLeft = Shared(7)
            let handler = EventHandler.on(MilestoneReached.self) { _, event, transaction in
                if failuresLeft.change({
                    $0 -= 1; return $0
                }) > 0 {
                    try await transaction.executeScript("do $$ begin raise exception using errcode = '40001'; end $$")
                }
                try await note(event, transaction)
                return .applied
            }
            // when
            try await makeInbox(pool, [handler]).process(milestones([1]))
            // then
            #expect(try await pool.effects() == [1])
        }
    }

    @Test func aBatchThatConflictsForeverGoesBackToTheQueueAndThenSinglyToItsEnd() async throws {
        try await withInbox { pool in
            // given
            let handler = EventHandler.on(MilestoneReached.self, order: .commutative) { payload, event, transaction in
                if payload.milestone == "m2" {
                    try await transaction.executeScript("do $$ begin raise exception using errcode = '55P03'; end $$")
                }
                try await note(event, transaction)
                return .applied
            }
            let inbox = makeInbox(pool, [handler], settings: impatientSettings)
            let messages = try milestones(1...4)
            // when
            await #expect(throws: PostgresError.self) { try await inbox.process(messages) }
            #expect(try await pool.effects().isEmpty)
            await #expect(throws: PostgresError.self) { try await inbox.process(messages, deliveryCount: 1) }
            // then: the others took effect
            #expect(try await pool.effects() == [1, 3, 4])
            // when: it was given every chance
            try await inbox.process(messages, deliveryCount: 5)
            // then
            #expect(try await pool.deadLetters().map(\.failureClass) == ["conflict"])
            #expect(try await pool.effects() == [1, 3, 4])
        }
    }

    @Test func anOutageBuriesNothing() async throws {
        try await withProxiedInbox { direct, proxied, proxy in
            // given
            let inbox = makeInbox(proxied, [noteMilestones()], settings: impatientSettings)
            let messages = try milestones(1...3)
            proxy.setRefusing(true)
            proxy.cutAll()
            // when
            await #expect(throws: PostgresError.self) { try await inbox.process(messages) }
            await #expect(throws: PostgresError.self) { try await inbox.process(messages, deliveryCount: 50) }
            proxy.setRefusing(false)
            try await inbox.process(messages, deliveryCount: 51)
            // then
            #expect(try await direct.effects() == [1, 2, 3])
            #expect(try await direct.deadLetters().isEmpty)
        }
    }
}
