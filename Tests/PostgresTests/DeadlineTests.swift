import Logging
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct DeadlineTests {
    private func pid(_ session: some PostgresSession) async throws -> Int {
        try #require(try await session.query("select pg_backend_pid() as pid").first).get("pid")
    }

    private func sleeperCount(_ session: some PostgresSession) async throws -> Int {
        let rows = try await session.query(
            """
            select count(*) as n from pg_stat_activity
            where datname = current_database() and state = 'active' and query like 'select pg_sleep%'
            """)
        return try #require(rows.first).get("n")
    }

    @Test func aStatementEndsOnTheServerWhenItsTimeIsOver() async throws {
        try await withPool(connectionCountMax: 2, statementTimeout: .seconds(1)) { pool in
            // given
            let before = try await pid(pool)
            // when
            let error = try await failure { try await pool.query("select pg_sleep(60)") }
            // then
            #expect(error.code == .deadlineExceeded && error.isRetriable)
            #expect(try await sleeperCount(pool) == 0)
            #expect(try await pid(pool) == before)
        }
    }

    @Test func aCancelledTaskEndsItsStatementAndFreesTheConnection() async throws {
        try await withDatabase(schema: "tests") { observer, url in
            try await withPool(connectionCountMax: 1) { pool in
                // given
                let before = try await pid(pool)
                let sleeping = Task { try await pool.query("select pg_sleep(60)") }
                let activity: PostgresQuery = """
                    select 1 from pg_stat_activity
                    where pid = \(Int32(before)) and state = 'active' and query like 'select pg_sleep%'
                    """
                try await eventually("it sleeps") { try await observer.query(activity).count == 1 }
                // when
                sleeping.cancel()
                // then
                let error = try await failure { _ = try await sleeping.value }
                #expect(error.code == .cancelled && !error.isRetriable)
                #expect(try await observer.query(activity).isEmpty)
                #expect(try await pid(pool) == before)
            }
        }
    }

    @Test func aCancelledTransactionIsRolledBack() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            // given
            try await pool.query("create table numbers (n int)")
            let gate = Gate()
            let working = Task {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    await gate.pass()
                    try await transaction.query("select pg_sleep(60)")
                }
            }
            try await eventually("it has written") { await gate.arrivedCount == 1 }
            // when
            working.cancel()
            await gate.open()
            // then
            let error = try await failure { try await working.value }
            #expect(error.code == .cancelled)
            #expect(try await pool.query("select from numbers").isEmpty)
        }
    }

    @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
        try await withPool { pool in
            let gate = Gate()
            let task = Task {
                await gate.pass()
                try await pool.query("create table never (n int)")
            }
            task.cancel()
            await gate.open()
            let error = try await failure { try await task.value }
            #expect(error.code == .cancelled)
            #expect(try await pool.query("select from pg_tables where tablename = 'never'").isEmpty)
        }
    }

    @Test func aCancellationNeverHitsTheNextStatement() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            for _ in 0..<200 {
                // given: a statement that ends by itself about when its cancellation arrives
                let sleeping = Task { try await pool.query("select pg_sleep(0.001)") }
                try await Task.sleep(for: .microseconds(Int.random(in: 0...2500)))
                // when
                sleeping.cancel()
                _ = await sleeping.result
                // then
                try await pool.query("select pg_sleep(0.004)")
            }
        }
    }

    @Test func aServerThatDoesNotEvenAnswerTheCancellationIsLeft() async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        try await withPool(connectionCountMax: 1, statementTimeout: .seconds(1), through: proxy) { pool in
            // given
            try await pool.query("select 1")
            proxy.stall()
            // when
            let start = ContinuousClock.now
            let error = try await failure {
                _ = try await pool.withTransaction { try await $0.query("select 1") }
            }
            // then
            #expect(error.code == .deadlineExceeded)
            #expect(ContinuousClock.now - start < .seconds(15))
            proxy.resume()
            #expect(try await pool.query("select 1 as one").count == 1)
        }
    }

    @Test func aServerThatAcceptsAndStaysSilentIsGivenUp() async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        proxy.stall()
        let configuration = PostgresConfiguration(
            connectionString: "postgresql://postgres@127.0.0.1:\(proxy.port)/postgres", applicationName: "silent",
            connectTimeout: .milliseconds(200))
        let pool = PostgresPool(configuration: configuration, logger: .init(label: "tests"))
        let error = try await failure { try await pool.query("select 1") }
        #expect(error.code == .connectionRefused && error.isRetriable)
        await pool.close()
    }
}
