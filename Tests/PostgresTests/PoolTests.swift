import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct PoolTests {
    private func pid(_ session: some PostgresSession) async throws -> Int {
        try #require(try await session.query("select pg_backend_pid() as pid").first).get("pid")
    }

    @Test func aPoolNeverOpensMoreConnectionsThanItMay() async throws {
        try await withPool(connectionCountMax: 3) { pool in
            // when
            let pids = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<60 { group.addTask { try await pid(pool) } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            // then
            #expect(!pids.isEmpty && pids.count <= 3)
            let open = try await pool.query(
                """
                select count(*) as n from pg_stat_activity
                where application_name = 'under test' and datname = current_database()
                """
            )
            #expect(try #require(open.first).get("n", as: Int.self) <= 3)
        }
    }

    @Test func waitersAreServedInTheOrderOfAsking() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            // given
            let (gate, journal) = (Gate(), Journal<Int>())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pool.withConnection { _ in await gate.pass() } }
                try await eventually("the only connection is lent") { await gate.arrivedCount == 1 }
                for number in 0..<20 {
                    group.addTask {
                        try await pool.withConnection { _ in journal.note(number) }
                    }
                    try await eventually("waiter \(number) waits") { pool.waiterCount == number + 1 }
                }
                // when
                await gate.open()
                try await group.waitForAll()
            }
            // then
            #expect(journal.entries == Array(0..<20))
        }
    }

    @Test func aCallerDoesNotWaitLongerThanTheAcquireTimeout() async throws {
        try await withPool(connectionCountMax: 1, acquireTimeout: .milliseconds(100)) { pool in
            try await pool.withConnection { lease in
                // when
                let clock = ContinuousClock()
                let start = clock.now
                let error = try await failure { try await pool.query("select 1") }
                // then
                #expect(error.code == .poolExhausted && error.isRetriable)
                #expect(clock.now - start >= .milliseconds(100))
                #expect(pool.waiterCount == 0)
                try await lease.query("select 1")
            }
            try await pool.query("select 1")
        }
    }

    @Test func aCancelledWaiterLeavesTheQueue() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            try await pool.withConnection { _ in
                // given
                let waiting = Task { try await pool.query("select 1") }
                try await eventually("the caller waits") { pool.waiterCount == 1 }
                // when
                waiting.cancel()
                // then
                let error = try await failure { _ = try await waiting.value }
                #expect(error.code == .cancelled)
                #expect(pool.waiterCount == 0)
            }
            try await pool.query("select 1")
        }
    }

    @Test func aPoolWithTooManyWaitersRefusesTheNext() async throws {
        // given
        var state = PoolState(countMax: 1, waiterCountMax: 0, servers: ServerMemory())
        _ = try state.take()
        // when
        let result = await withCheckedContinuation { (continuation: PoolState.Continuation) in
            let waiter = PoolState.Waiter(ticket: 1, deadline: .max, continuation: continuation)
            if let answer = state.takeOrWait(waiter) { continuation.resume(returning: answer) }
        }
        // then
        let error = #expect(throws: PostgresError.self) { try result.get() }
        #expect(error?.code == .poolExhausted)
    }

    @Test func aConnectionThatWasTerminatedIsReplaced() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            // given
            let first = try await pid(pool)
            let connection = try await pool.acquire()
            pool.release(connection)
            try await withDatabase(schema: "other") { other, _ in
                try await other.query("select pg_terminate_backend(\(Int32(first)))")
            }
            // when: neither an autocommitted write nor a transaction notices
            try await eventually("the end has been seen") { connection.condition.load(ordering: .acquiring) == .dead }
            try await pool.query("create table healed (n int)")
            let second = try await pool.withTransaction { try await pid($0) }
            // then
            #expect(second != first)
        }
    }

    @Test func aConnectionThatNobodyCanOpenIsToldAtOnce() async throws {
        // given
        let configuration = PostgresConfiguration(
            connectionString: "postgresql://nobody@127.0.0.1:1/none", applicationName: "refused")
        let pool = PostgresPool(configuration: configuration, logger: Logger(label: "tests"))
        for _ in 0..<3 {
            // when
            let error = try await failure { try await pool.query("select 1") }
            // then
            #expect(error.code == .connectionRefused && error.isRetriable)
            #expect("\(error)".contains("127.0.0.1"))
        }
        await pool.close()
    }

    @Test func closingRefusesNewCallersAndWaitsForWhatIsLent() async throws {
        try await withPool(connectionCountMax: 2) { pool in
            // given
            let (gate, journal) = (Gate(), Journal<String>())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await pool.withTransaction { transaction in
                        try await transaction.query("select 1")
                        await gate.pass()
                        try await transaction.query("select 2")
                        journal.note("returned")
                    }
                }
                try await eventually("the connection is lent") { await gate.arrivedCount == 1 }
                // when
                group.addTask {
                    await pool.close()
                    journal.note("closed")
                }
                try await eventually("new callers are refused") {
                    do { try await pool.query("select 1") } catch let error as PostgresError {
                        return error.code == .poolClosed
                    }
                    return false
                }
                #expect(journal.entries.isEmpty)
                await gate.open()
                try await group.waitForAll()
            }
            // then
            #expect(journal.entries == ["returned", "closed"])
            await pool.close()
        }
    }

    @Test func aServiceGroupClosesThePool() async throws {
        try await withPool { pool in
            // given
            let group = ServiceGroup(services: [pool], logger: Logger(label: "tests"))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                try await pool.query("select 1")
                // when
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            // then
            let error = try await failure { try await pool.query("select 1") }
            #expect(error.code == .poolClosed && !error.isRetriable)
        }
    }

    @Test func whatALeaseDidToItsSessionIsUndone() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            // when
            let lent = try await pool.withConnection { lease in
                try await lease.executeScript(
                    "set statement_timeout = 0; set work_mem = '1MB'; create temporary table scratch (n int)")
                try await lease.query("select pg_advisory_lock(\(42))")
                return try await pid(lease)
            }
            // then
            #expect(try await pid(pool) == lent)
            let row = try #require(
                try await pool.query(
                    """
                    select current_setting('statement_timeout') as timeout, current_setting('search_path') as path,
                        (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
                        to_regclass('pg_temp.scratch') is null as is_gone
                    """
                ).first)
            #expect(try row.get("timeout") == "25s")
            #expect(try row.get("path", as: String.self).contains("tests"))
            #expect(try row.get("locks", as: Int.self) == 0)
            #expect(try row.get("is_gone", as: Bool.self))
        }
    }

    @Test func aLeaseLeftInsideATransactionIsNotLentAgain() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            let left = try await pool.withConnection { lease in
                try await lease.executeScript("begin")
                return try await pid(lease)
            }
            #expect(try await pid(pool) != left)
        }
    }

    @Test func aSessionIsOfNoUseAfterItsClosure() async throws {
        try await withPool { pool in
            let lease = try await pool.withConnection { $0 }
            let transaction = try await pool.withTransaction { $0 }
            for session in [lease, transaction] as [any PostgresSession] {
                let error = try await failure { try await session.query("select 1") }
                #expect(error.code == .configuration)
            }
        }
    }
}
