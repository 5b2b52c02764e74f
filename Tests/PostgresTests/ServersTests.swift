import Logging
import TestSupport
import Testing

@testable import Postgres

/// Several servers behind one connection string.
@Suite(.timeLimit(.minutes(10)))
struct ServersTests {
    private func withPool(
        ports: [Int], attributes: String = "read-write", connectTimeout: Duration = .seconds(5),
        _ body: (PostgresPool) async throws -> Void
    ) async throws {
        let hosts = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        let pool = PostgresPool(
            configuration: PostgresConfiguration(
                connectionString: "postgresql://postgres@\(hosts)/postgres?target_session_attrs=\(attributes)",
                applicationName: "several", connectionCountMax: 3, connectTimeout: connectTimeout),
            logger: Logger(label: "tests"))
        let result: Result<Void, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.close()
        try result.get()
    }

    /// A primary and its standby, and a pool that names both.
    private func withPair(
        _ body: (PrivateDatabases, PrivateDatabases.Server, PrivateDatabases.Server, PostgresPool) async throws -> Void
    ) async throws {
        try await PrivateDatabases.with { databases in
            let primary = try databases.makeServer()
            let standby = try databases.makeStandby(of: primary)
            try await withPool(ports: [Int(primary.port), Int(standby.port)]) { pool in
                try await pool.query("create table numbers (n int)")
                try await pool.query("insert into numbers values (1)")
                try await waitForRows(1, on: standby)
                try await body(databases, primary, standby, pool)
            }
        }
    }

    private func waitForRows(_ count: Int, on server: PrivateDatabases.Server) async throws {
        try await withPool(ports: [Int(server.port)], attributes: "any") { pool in
            try await eventually("the standby has followed") {
                (try? await pool.query("select from numbers").count) == count
            }
        }
    }

    /// Opens as many connections as the pool may have, and gives them back.
    private func ports(of pool: PostgresPool) async throws -> Set<Int> {
        let gate = Gate()
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await pool.withTransaction { transaction in
                        let rows = try await transaction.query("select inet_server_port() as port")
                        await gate.pass()
                        return try #require(rows.first).get("port", as: Int.self)
                    }
                }
            }
            try await eventually("each holds one") { await gate.arrivedCount == 3 }
            await gate.open()
            return try await group.reduce(into: []) { $0.insert($1) }
        }
    }

    @Test func aPoolSurvivesTheFailoverOfItsPrimary() async throws {
        try await withPair { databases, primary, standby, pool in
            // given
            #expect(try await ports(of: pool) == [Int(primary.port)])
            // when
            try databases.crash(primary)
            let error = try await failure { try await pool.query("insert into numbers values (2)") }
            #expect(error.isRetriable || error.code == .commitUnknown)
            try databases.promote(standby)
            // then: without a restart, and at the first call
            try await pool.query("insert into numbers values (3)")
            #expect(try await ports(of: pool) == [Int(standby.port)])
            #expect(try await pool.query("select from numbers").count == 2)
        }
    }

    @Test func connectionsToAServerThatNoLongerWritesAreReplaced() async throws {
        try await withPair { databases, primary, standby, pool in
            // given
            #expect(try await ports(of: pool) == [Int(primary.port)])
            try databases.promote(standby)
            try await withPool(ports: [Int(primary.port)], attributes: "any") { old in
                try await old.query("alter system set default_transaction_read_only = on")
                try await old.query("select pg_reload_conf()")
                try await eventually("the old primary is read-only") {
                    let rows = try await old.query("select current_setting('default_transaction_read_only') as value")
                    return try rows.first?.get("value") == "on"
                }
            }
            // when: neither a statement nor a transaction notices
            try await pool.query("insert into numbers values (2)")
            try await pool.withTransaction { transaction in
                try await transaction.query("insert into numbers values (3)")
                try await transaction.enqueue("insert into numbers values (4)")
            }
            // then
            #expect(try await ports(of: pool) == [Int(standby.port)])
            #expect(try await pool.query("select from numbers").count == 4)
        }
    }

    @Test func aHostThatSwallowsPacketsCostsItsOwnTimeOnly() async throws {
        try await PrivateDatabases.with { databases in
            // given
            let server = try databases.makeServer()
            let silent = try CuttingProxy(to: Int(server.port))
            defer { silent.close() }
            silent.stall()
            try await withPool(
                ports: [silent.port, Int(server.port)], connectTimeout: .milliseconds(500)
            ) { pool in
                // when
                let start = ContinuousClock.now
                try await pool.query("select 1")
                // then: the second host had all of its time, and goes first from now on
                #expect(ContinuousClock.now - start >= .milliseconds(500))
                #expect(try await ports(of: pool) == [Int(server.port)])
                #expect(silent.openCount <= 1)
            }
        }
    }

    @Test func whenNoServerWritesEachTellsWhy() async throws {
        try await PrivateDatabases.with { databases in
            let server = try databases.makeServer(settings: "default_transaction_read_only = on")
            try await withPool(ports: [1, Int(server.port)]) { pool in
                let error = try await failure { try await pool.query("select 1") }
                #expect(error.code == .connectionRefused && error.isRetriable)
                #expect("\(error)".contains("port 1 failed: Connection refused"))
                #expect("\(error)".contains("session is read-only"))
            }
            try await withPool(ports: [Int(server.port)], attributes: "prefer-standby") { pool async throws in
                #expect(try await pool.query("select 1 as one").count == 1)
            }
        }
    }

    @Test func listsOfDifferentLengthAreRefused() throws {
        for string in ["host=a,b hostaddr=127.0.0.1", "host=localhost port=1,2"] {
            let configuration = PostgresConfiguration(connectionString: string, applicationName: "a")
            let error = #expect(throws: PostgresError.self) { try ConnectionParameters(configuration).servers() }
            #expect(error?.code == .configuration)
        }
    }
}
