import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct PipelineTests {
    private func withNumbers(
        connectionCountMax: Int = 1, through proxy: CuttingProxy? = nil, _ body: (PostgresPool) async throws -> Void
    ) async throws {
        try await withPool(connectionCountMax: connectionCountMax, through: proxy) { pool in
            try await pool.query("create table numbers (n bigint primary key)")
            try await body(pool)
        }
    }

    private func numbers(_ session: some PostgresSession) async throws -> [Int] {
        try await session.query("select n from numbers order by n").map { try $0.get("n") }
    }

    private func pid(_ session: some PostgresSession) async throws -> Int {
        try #require(try await session.query("select pg_backend_pid() as pid").first).get("pid")
    }

    @Test func resultsComeInTheOrderOfTheStatements() async throws {
        try await withNumbers { pool in
            let results = try await pool.withTransaction { transaction in
                try await transaction.pipeline([
                    "insert into numbers select generate_series(1, 3)", "select n from numbers order by n desc",
                    "delete from numbers where n = 2", "select 1 as one where false",
                ])
            }
            #expect(results.map(\.affectedCount) == [3, 3, 1, 0])
            #expect(try results[1].map { try $0.get("n", as: Int.self) } == [3, 2, 1])
            #expect(results[3].isEmpty)
            #expect(try await numbers(pool) == [1, 3])
        }
    }

    @Test func aStatementIsSentWhileTheServerStillWorksOnTheOneBefore() async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        try await withNumbers(through: proxy) { pool in
            // given: the connection is cut when the third statement leaves, which the second would delay for a minute
            let start = ContinuousClock.now
            let error = try await failure {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    proxy.cut(when: .clientSends(Array("select 3 as third".utf8), isForwarded: true))
                    try await transaction.pipeline([
                        "insert into numbers values (2)", "select pg_sleep(60)", "select 3 as third",
                    ])
                }
            }
            // then
            #expect(error.code == .connectionLost && proxy.cutCount == 1)
            #expect(ContinuousClock.now - start < .seconds(15))
        }
    }

    @Test func theStatementThatFailedIsNamedAndNothingBehindItRuns() async throws {
        try await withNumbers { pool in
            let before = try await pid(pool)
            let error = try await failure {
                _ = try await pool.withTransaction { transaction in
                    try await transaction.pipeline([
                        "insert into numbers values (1)", "insert into numbers values (\(1 as Int64))",
                        "insert into numbers values (3)",
                    ])
                }
            }
            #expect(error.isUniqueViolation && error.constraint == "numbers_pkey")
            #expect("\(error)".contains("statement 2 of 3 (insert into numbers values ($1))"))
            #expect(try await numbers(pool) == [])
            #expect(try await pid(pool) == before)
        }
    }

    @Test func onALeaseTheStatementsCommitOrFailTogether() async throws {
        try await withNumbers { pool in
            try await pool.withConnection { lease in
                try await lease.pipeline(["insert into numbers values (1)", "insert into numbers values (2)"])
                let error = try await failure {
                    try await lease.pipeline(["insert into numbers values (3)", "select 1 / 0"])
                }
                #expect(error.sqlState == "22012")
                #expect(try await numbers(lease) == [1, 2])
            }
        }
    }

    @Test func oneTextIsPreparedOnceAndWhatWasAbortedIsPreparedAnew() async throws {
        try await withNumbers { pool in
            try await pool.withConnection { lease in
                // when: the text behind the failure never reaches the server's parser
                for number in 1...3 {
                    _ = try? await lease.pipeline(["select 1 / 0", "select \(number) as aborted"])
                }
                try await lease.pipeline((1...5).map { "insert into numbers values (\($0))" })
                // then
                #expect(try await numbers(lease) == [1, 2, 3, 4, 5])
                #expect(try await lease.query("select \(7) as aborted").first?.get("aborted", as: Int.self) == 7)
                let row = try await lease.query(
                    "select count(*) as n from pg_prepared_statements where statement like 'insert into numbers%'"
                ).first
                #expect(try row?.get("n", as: Int.self) == 1)
            }
        }
    }

    @Test func fullBuffersOnBothSidesDoNotStopEachOther() async throws {
        try await withNumbers { pool in
            // given: more than any socket holds, in both directions at once
            let big = [UInt8](repeating: 7, count: 200_000)
            // when
            let results = try await pool.withTransaction { transaction in
                try await transaction.pipeline((0..<200).map { "select \(big) as big, \($0) as n" })
            }
            // then
            #expect(try results.map { try $0[0].get("n", as: Int.self) } == Array(0..<200))
            #expect(try results.allSatisfy { try $0[0].get("big", as: [UInt8].self).count == big.count })
        }
    }

    @Test func aPipelineHasLimits() async throws {
        try await withNumbers { pool in
            let many = try await failure {
                _ = try await pool.withTransaction { try await $0.pipeline((0...1_000).map { "select \($0) as n" }) }
            }
            let big = [UInt8](repeating: 7, count: 33 << 20)
            let heavy = try await failure {
                try await pool.withTransaction { _ = try await $0.pipeline(["select \(big)", "select \(big)"]) }
            }
            #expect(many.code == .configuration && heavy.code == .configuration)
            #expect(try await pool.withTransaction { try await $0.pipeline([]) }.isEmpty)
        }
    }

    @Test func aCancelledPipelineHasNoEffectAndFreesTheConnection() async throws {
        try await withDatabase(schema: "tests") { observer, _ in
            try await withNumbers { pool in
                // given
                let before = try await pid(pool)
                let working = Task {
                    try await pool.withTransaction { transaction in
                        _ = try await transaction.pipeline([
                            "insert into numbers values (1)", "select pg_sleep(60)", "insert into numbers values (2)",
                        ])
                    }
                }
                try await eventually("it sleeps") {
                    try await observer.query(
                        """
                        select from pg_stat_activity
                        where pid = \(Int32(before)) and state = 'active' and query like 'select pg_sleep%'
                        """
                    ).count == 1
                }
                // when
                working.cancel()
                // then
                let error = try await failure { try await working.value }
                #expect(error.code == .cancelled)
                #expect(try await numbers(pool) == [])
                #expect(try await pid(pool) == before)
            }
        }
    }

    // MARK: Statements that go out with the next one

    @Test func aStatementThatNobodyWaitsForGoesOutWithTheCommit() async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        try await withNumbers(through: proxy) { pool in
            // when: what leaves together with COMMIT is lost with it
            let error = try await failure {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    try await transaction.enqueue("insert into numbers values (2)")
                    proxy.cut(when: .clientSends(Array("insert into numbers values (2)".utf8), isForwarded: false))
                }
            }
            // then
            #expect(error.code == .commitUnknown && proxy.cutCount == 1)
            #expect(try await numbers(pool) == [])
            // when
            try await pool.withTransaction { transaction in
                try await transaction.enqueue("insert into numbers values (3)")
                #expect(try await numbers(transaction) == [3])
                try await transaction.enqueue("insert into numbers values (4)")
                try await transaction.executeScript("insert into numbers select max(n) + 1 from numbers")
                try await transaction.enqueue("insert into numbers values (6)")
            }
            // then
            #expect(try await numbers(pool) == [3, 4, 5, 6])
        }
    }

    @Test func aTransactionOfWaitingStatementsAloneIsOneRoundTrip() async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        try await withNumbers(through: proxy) { pool in
            // given: a connection that died without anybody having noticed, and another statement than before
            proxy.cutAll()
            // when
            try await pool.withTransaction { transaction in
                try await transaction.enqueue("insert into numbers values (1)")
            }
            proxy.cut(when: .clientSends(Array("COMMIT\0".utf8), isForwarded: true))
            let error = try await failure {
                try await pool.withTransaction { try await $0.enqueue("insert into numbers values (2)") }
            }
            // then
            #expect(error.code == .commitUnknown)
            try await eventually("the server has committed") { try await numbers(pool) == [1, 2] }
        }
    }

    @Test func anErrorBeforeTheCommitIsCertainAndUndoesTheTransaction() async throws {
        try await withNumbers { pool in
            let before = try await pid(pool)
            let error = try await failure {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    try await transaction.enqueue("insert into numbers values (1)")
                }
            }
            #expect(error.isUniqueViolation && error.code == .server)
            #expect("\(error)".contains("statement 1 of 1 (insert into numbers values (1))"))
            #expect(try await numbers(pool) == [])
            #expect(try await pid(pool) == before)
        }
    }

    @Test func aCancelledTaskDoesNotSendWhatWaits() async throws {
        try await withNumbers { pool in
            // given
            let gate = Gate()
            let working = Task {
                try await pool.withTransaction { transaction in
                    try await transaction.query("insert into numbers values (1)")
                    try await transaction.enqueue("insert into numbers values (2)")
                    await gate.pass()
                }
            }
            try await eventually("it has written") { await gate.arrivedCount == 1 }
            // when
            working.cancel()
            await gate.open()
            // then
            let error = try await failure { try await working.value }
            #expect(error.code == .cancelled)
            #expect(try await numbers(pool) == [])
        }
    }

    @Test func manyWaitingStatementsGoOutBeforeTheyFillTheMemory() async throws {
        try await withNumbers { pool in
            try await pool.withTransaction { transaction in
                for number in 0..<250 { try await transaction.enqueue("insert into numbers values (\(number))") }
                #expect(transaction.lent.useCount == 2)
            }
            #expect(try await numbers(pool) == Array(0..<250))
        }
    }
}
