import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct StatementCacheTests {
    private func preparedCount(_ session: some PostgresSession) async throws -> Int {
        try #require(try await session.query("select count(*) as n from pg_prepared_statements").first).get("n")
    }

    @Test func theLeastRecentlyUsedStatementMakesRoom() {
        // given
        var cache = StatementCache(countMax: 2)
        let keys = (0..<3).map { StatementCache.Key(text: [$0], types: []) }
        for key in keys.prefix(2) { cache.insert(cache.make(key)) }
        #expect(cache.find(keys[0]) != nil)
        // when
        cache.insert(cache.make(keys[2]))
        // then
        #expect(cache.find(keys[1]) == nil)
        #expect(cache.find(keys[0]) != nil && cache.find(keys[2]) != nil)
        #expect(cache.takeEvicted() == ["s2"])
        #expect(cache.takeEvicted().isEmpty)
    }

    @Test func oneTextWithOtherTypesIsAnotherStatement() async throws {
        try await withPool(connectionCountMax: 1) { pool async throws in
            #expect(try await pool.query("select \(1) as v").first?.get("v", as: Int.self) == 1)
            #expect(try await pool.query("select \("a") as v").first?.get("v", as: String.self) == "a")
            #expect(try await pool.query("select \(2) as v").first?.get("v", as: Int.self) == 2)
        }
    }

    @Test func evictedStatementsAreDeallocatedOnTheServer() async throws {
        try await withPool { pool in
            // given
            let connection = try await PostgresConnection.open(
                pool.configuration, metrics: pool.metrics, statementCountMax: 4)
            // when: an identifier makes a text of its own
            for number in 0..<30 {
                let rows = try await connection.execute(["select 1 as \(identifier: "c\(number)")"], in: nil)
                #expect(rows.map(\.count) == [1])
            }
            // then
            let count = try await connection.execute(["select count(*) as n from pg_prepared_statements"], in: nil)
            #expect(try #require(count.first?.first).get("n", as: Int.self) <= 5)
        }
    }

    @Test func aStatementIsPreparedOnce() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            for number in 0..<5 { try await pool.query("select \(number) as v") }
            #expect(try await preparedCount(pool) == 2)
        }
    }

    @Test func aStatementThatTheServerForgotIsPreparedAgain() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            // given
            func read() async throws -> Int? { try await pool.query("select \(5) as v").first?.get("v") }
            #expect(try await read() == 5)
            // when
            try await pool.withConnection { try await $0.executeScript("deallocate all") }
            // then
            #expect(try await read() == 5)
            try await pool.withConnection { try await $0.executeScript("deallocate all") }
            let inside: Int? = try await pool.withTransaction { transaction in
                try await transaction.query("select \(5) as v").first?.get("v")
            }
            #expect(inside == 5)
        }
    }

    @Test func aResultThatChangesItsTypeUnderAPlanIsReadInItsNewShape() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            // given
            try await pool.query("create table things (n bigint)")
            try await pool.query("insert into things values (1)")
            #expect(try await pool.query("select * from things").first?.get("n", as: Int.self) == 1)
            // when
            try await pool.query("alter table things add column word text default 'new'")
            // then
            #expect(try await pool.query("select * from things").first?.get("word", as: String.self) == "new")
            try await pool.query("alter table things alter column n type text")
            let inside = try await pool.withTransaction { try await $0.query("select * from things").first }
            #expect(try inside?.get("n", as: String.self) == "1")
        }
    }

    @Test func aStatementThatCannotBePreparedLeavesNothingBehind() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            for _ in 0..<3 {
                let error = try await failure { try await pool.query("selekt") }
                #expect(error.sqlState == "42601")
            }
            #expect(try await preparedCount(pool) == 1)
        }
    }
}
