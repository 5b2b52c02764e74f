import Logging
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct TransactionTests {
    private struct Refusal: Error, Equatable {}

    private func numbers(_ session: some PostgresSession) async throws -> [Int] {
        try await session.query("select n from numbers order by n").map { try $0.get("n") }
    }

    private func withNumbers(
        _ initial: [Int] = [], connectionCountMax: Int = 4, _ body: (PostgresPool) async throws -> Void
    ) async throws {
        try await withPool(connectionCountMax: connectionCountMax) { pool in
            try await pool.query("create table numbers (n bigint primary key deferrable initially deferred)")
            try await pool.query("insert into numbers select unnest(\(initial))")
            try await body(pool)
        }
    }

    @Test func whatAClosureDidIsThereAfterItReturns() async throws {
        try await withNumbers { pool in
            let answer = try await pool.withTransaction { transaction in
                try await transaction.query("insert into numbers values (1)")
                try await transaction.query("insert into numbers values (2)")
                #expect(try await numbers(pool) == [])
                return "done"
            }
            #expect(answer == "done")
            #expect(try await numbers(pool) == [1, 2])
        }
    }

    @Test func nothingIsThereAfterItThrows() async throws {
        try await withNumbers(connectionCountMax: 1) { pool async throws in
            await #expect(throws: Refusal()) {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    throw Refusal()
                }
            }
            #expect(try await numbers(pool) == [])
        }
    }

    @Test func anErrorThatTheClosureSwallowedIsNotACommit() async throws {
        try await withNumbers([1], connectionCountMax: 1) { pool in
            let error = try await failure {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (5)")
                    _ = try? await transaction.query("select 1 / 0")
                    _ = try? await transaction.query("insert into numbers values (6)")
                }
            }
            #expect(error.sqlState == "22012")
            #expect(try await numbers(pool) == [1])
        }
    }

    @Test func aConstraintThatFailsAtCommitIsAnErrorOfTheTransaction() async throws {
        try await withNumbers([1], connectionCountMax: 1) { pool in
            let error = try await failure {
                try await pool.withTransaction { _ = try await $0.query("insert into numbers values (1)") }
            }
            #expect(error.isUniqueViolation && error.code == .server)
            #expect(try await numbers(pool) == [1])
        }
    }

    @Test func aClosureThatCommitsByItselfIsFoundOut() async throws {
        try await withNumbers(connectionCountMax: 1) { pool in
            let error = try await failure {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    try await transaction.executeScript("commit")
                    try await transaction.query("insert into numbers values (2)")
                }
            }
            #expect(error.code == .configuration)
            #expect(try await numbers(pool) == [1])
        }
    }

    @Test func statementsOfConcurrentTasksShareTheTransaction() async throws {
        try await withNumbers { pool async throws in
            await #expect(throws: Refusal()) {
                try await pool.withTransaction { transaction in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 1...20 {
                            group.addTask { try await transaction.query("insert into numbers values (\(number))") }
                        }
                        try await group.waitForAll()
                    }
                    #expect(try await numbers(transaction) == Array(1...20))
                    throw Refusal()
                }
            }
            #expect(try await numbers(pool) == [])
        }
    }

    @Test func aTransactionThatFallsSilentLosesItsLocksAndIsToldToTryAgain() async throws {
        try await withPool(connectionCountMax: 2, idleTransactionTimeout: .milliseconds(200)) { pool in
            try await pool.query("create table numbers (n int)")
            try await pool.query("insert into numbers values (1)")
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { silent in
                    // given
                    try await silent.query("update numbers set n = n + 1")
                    // when: somebody else waits for the row, for as long as the first says nothing
                    try await pool.query("update numbers set n = n + 10")
                    // then
                    try await silent.query("select n from numbers")
                }
            }
            #expect(error?.isRetriable == true, "\(String(describing: error))")
            #expect(try await numbers(pool) == [11])
        }
    }

    @Test func theIsolationIsTheOneAskedForWhateverTheDatabaseHasAsItsDefault() async throws {
        try await withDatabase(schema: "tests") { owner, url in
            try await owner.withConnection { lease in
                try await lease.executeScript(
                    """
                    do $$ begin
                        execute format(
                            'alter database %I set default_transaction_isolation = serializable', current_database());
                    end $$
                    """)
            }
            let configuration = PostgresConfiguration(connectionString: url, applicationName: "under test")
            let pool = PostgresPool(configuration: configuration, logger: Logger(label: "tests"))
            for (isolation, name) in [
                (PostgresIsolation.readCommitted, "read committed"), (.repeatableRead, "repeatable read"),
                (.serializable, "serializable"),
            ] {
                let row = try await pool.withTransaction(isolation: isolation) { transaction in
                    try await transaction.query("select current_setting('transaction_isolation') as level").first
                }
                #expect(try row?.get("level", as: String.self) == name)
            }
            await pool.close()
        }
    }

    @Test func ofTwoTransactionsThatConflictTheLoserRunsAgain() async throws {
        try await withNumbers([1, 2]) { pool in
            // given: each reads what the other writes, and both have read before either writes
            let (gate, journal) = (Gate(), Journal<Int>())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in [10, 20] {
                    group.addTask {
                        try await pool.withTransaction(isolation: .serializable) { transaction in
                            journal.note(number)
                            let sum = try await numbers(transaction).reduce(0, +)
                            await gate.pass()
                            // when
                            try await transaction.query("insert into numbers values (\(sum + number))")
                        }
                    }
                }
                try await eventually("both have read") { await gate.arrivedCount == 2 }
                await gate.open()
                try await group.waitForAll()
            }
            // then: as if one had run after the other
            let result = try await numbers(pool)
            #expect(result == [1, 2, 13, 36] || result == [1, 2, 23, 36])
            #expect(journal.entries.count >= 3)
        }
    }

    @Test func aConflictIsSeenThroughTheClosuresOwnError() async throws {
        try await withNumbers { pool in
            let journal = Journal<Int>()
            let rows = try await pool.withTransaction { transaction in
                journal.note(1)
                guard journal.entries.count >= 3 else {
                    _ = try? await transaction.query("do $$ begin raise exception 'x' using errcode = '40001'; end $$")
                    throw Refusal()
                }
                return try await transaction.query("select 1")
            }
            #expect(rows.count == 1)
            #expect(journal.entries.count == 3)
        }
    }

    @Test func attemptsEndWithTheConflict() async throws {
        try await withNumbers { pool in
            let journal = Journal<Int>()
            let error = try await failure {
                try await pool.withTransaction(attempts: 3) { transaction in
                    journal.note(1)
                    try await transaction.query("do $$ begin raise exception 'x' using errcode = '40P01'; end $$")
                }
            }
            #expect(error.isTransactionConflict && error.isRetriable)
            #expect(journal.entries.count == 3)
        }
    }

    @Test func aLeaseRunsTransactionsOnItsOwnConnection() async throws {
        try await withNumbers { pool in
            try await pool.withConnection { lease in
                try await lease.withTransaction { try await $0.query("insert into numbers values (1)") }
                _ = try? await lease.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (2)")
                    let error = try await failure { try await lease.query("select 1") }
                    #expect(error.code == .configuration)
                    throw Refusal()
                }
                #expect(try await numbers(lease) == [1])
            }
        }
    }
}
