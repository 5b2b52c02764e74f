import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// What a caller is told when the connection goes, between every two steps of a transaction.
@Suite(.timeLimit(.minutes(10)))
struct LostConnectionTests {
    /// With its end: READ COMMITTED has the word too.
    private let commit = Array("COMMIT\0".utf8)

    /// A pool through a proxy, with a table of numbers.
    private func withCuttable(_ body: (PostgresPool, CuttingProxy) async throws -> Void) async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        try await withPool(connectionCountMax: 1, through: proxy) { pool in
            try await pool.query("create table numbers (n bigint)")
            try await body(pool, proxy)
        }
    }

    private func count(_ pool: PostgresPool) async throws -> Int { try await pool.query("select from numbers").count }

    private func insert(_ pool: PostgresPool, then: (PostgresTransaction) async throws -> Void = { _ in }) async throws
    {
        try await pool.withTransaction { transaction in
            try await transaction.query("insert into numbers values (1)")
            try await then(transaction)
        }
    }

    @Test func aCommitWhoseAnswerIsLostIsUnknownAndHappened() async throws {
        try await withCuttable { pool, proxy in
            proxy.cut(when: .clientSends(commit, isForwarded: true))
            let error = try await failure { try await insert(pool) }
            #expect(error.code == .commitUnknown && !error.isRetriable)
            #expect(proxy.cutCount == 1)
            try await eventually("the server has committed") { try await count(pool) == 1 }
        }
    }

    @Test func aCommitThatNeverArrivesIsUnknownToo() async throws {
        try await withCuttable { pool, proxy in
            proxy.cut(when: .clientSends(commit, isForwarded: false))
            let error = try await failure { try await insert(pool) }
            #expect(error.code == .commitUnknown && !error.isRetriable)
            #expect(try await count(pool) == 0)
        }
    }

    @Test func aConnectionLostBeforeTheCommitWasSentCommittedNothing() async throws {
        try await withCuttable { pool, proxy in
            let error = try await failure {
                try await insert(pool) { transaction in
                    proxy.cutAll()
                    try await eventually("the end has been seen") {
                        transaction.lent.connection?.condition.load(ordering: .acquiring) == .dead
                    }
                }
            }
            #expect(error.code == .connectionLost && error.isRetriable)
            #expect(try await count(pool) == 0)
        }
    }

    @Test func aBackendThatIsTerminatedInsideATransactionIsALostConnection() async throws {
        try await withCuttable { pool, _ in
            try await withDatabase(schema: "other") { other, _ in
                let error = try await failure {
                    try await insert(pool) { transaction in
                        let row = try await transaction.query("select pg_backend_pid() as pid").first
                        let pid = try #require(row).get("pid", as: Int32.self)
                        try await other.query("select pg_terminate_backend(\(pid), 10000)")
                        try await transaction.query("select 1")
                    }
                }
                #expect(error.code == .connectionLost && error.isRetriable)
            }
            #expect(try await count(pool) == 0)
        }
    }

    @Test func theFirstStatementOfATransactionMovesToAnotherConnection() async throws {
        try await withCuttable { pool, proxy in
            // given: the statement leaves, its answer does not come
            proxy.cut(when: .clientSends(Array("BEGIN".utf8), isForwarded: true))
            // when
            try await insert(pool)
            // then
            #expect(proxy.cutCount == 1)
            #expect(try await count(pool) == 1)
        }
    }

    @Test func aLostWriteThatCommitsByItselfIsUnknownAndNotRepeated() async throws {
        try await withCuttable { pool, proxy in
            proxy.cut(when: .clientSends(Array("insert into".utf8), isForwarded: true))
            let error = try await failure { try await pool.query("insert into numbers values (1)") }
            #expect(error.code == .commitUnknown && !error.isRetriable)
            try await eventually("it has happened") { try await count(pool) == 1 }
        }
    }

    @Test func aLostSelectIsRepeated() async throws {
        try await withCuttable { pool, proxy in
            proxy.cut(when: .clientSends(Array("select 41".utf8), isForwarded: true))
            let row = try await pool.query("select 41 as n").first
            #expect(try row?.get("n", as: Int.self) == 41)
            #expect(proxy.cutCount == 1)
        }
    }

    @Test func aRequestThatIsCutInHalfIsLost() async throws {
        try await withCuttable { pool, proxy in
            let big = [UInt8](repeating: 1, count: 8 << 20)
            let error = try await failure {
                try await insert(pool) { transaction in
                    proxy.cut(when: .clientBytes(1 << 20))
                    try await transaction.query("select length(\(big))")
                }
            }
            #expect(error.code == .connectionLost)
            #expect(try await count(pool) == 0)
        }
    }
}
