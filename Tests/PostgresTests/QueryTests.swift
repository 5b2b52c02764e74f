import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct QueryTests {
    @Test func interpolatedTextStaysData() async throws {
        try await withPool { pool in
            // given
            try await pool.query("create table people (name text)")
            let hostile = "x'); drop table people; --"
            // when
            try await pool.query("insert into people (name) values (\(hostile))")
            // then
            let rows = try await pool.query("select name from people where name = \(hostile)")
            #expect(try rows.map { try $0.get("name", as: String.self) } == [hostile])
        }
    }

    @Test func identifiersAreQuoted() async throws {
        try await withPool { pool in
            // given
            let name = "a\"b; drop table x; -- \0é"
            // when
            try await pool.query("create table \(identifier: name) (n int)")
            // then
            let tables = try await pool.query("select tablename from pg_tables where schemaname = 'tests'")
            let names = try tables.map { try $0.get("tablename", as: String.self) }
            #expect(names.contains("a\"b; drop table x; -- é"))
        }
    }

    @Test func affectedRowsAreCounted() async throws {
        try await withPool { pool in
            try await pool.query("create table numbers (n int)")
            let inserted = try await pool.query("insert into numbers select generate_series(1, 10)")
            #expect(inserted.affectedCount == 10)
            #expect(inserted.isEmpty)
            #expect(try await pool.query("delete from numbers where n > 7 returning n").count == 3)
            #expect(try await pool.query("select from numbers").count == 7)
            #expect(try await pool.query("update numbers set n = 0 where false").affectedCount == 0)
        }
    }

    @Test func bigParametersAndBigResultsPassPieceByPiece() async throws {
        try await withPool { pool in
            let big = [UInt8](repeating: 7, count: 24 << 20)
            let row = try await pool.query("select \(big) as big, length(\(big)) as length").first
            #expect(try row?.get("length", as: Int.self) == big.count)
            #expect(try row?.get("big", as: [UInt8].self) == big)
            let rows = try await pool.query("select n from generate_series(1, 200000) as n")
            #expect(try rows.reduce(0) { $0 + (try $1.get("n", as: Int.self)) } == 200_000 * 200_001 / 2)
        }
    }

    @Test func errorsCarryTheConstraintAndNoRowData() async throws {
        try await withPool { pool in
            // given
            try await pool.query("create table patients (name text constraint patients_name_key unique)")
            try await pool.query("insert into patients values (\("Mme Secret"))")
            // when
            let error = try await failure { try await pool.query("insert into patients values (\("Mme Secret"))") }
            // then
            #expect(error.code == .server)
            #expect(error.sqlState == "23505")
            #expect(error.constraint == "patients_name_key")
            #expect(error.isUniqueViolation && !error.isRetriable)
            #expect(!"\(error)".contains("Secret"))
            #expect(String(reflecting: error).contains("Secret"))
        }
    }

    @Test func theSessionIsSetUpAsConfigured() async throws {
        try await withPool(statementTimeout: .seconds(7)) { pool in
            let row = try #require(
                try await pool.query(
                    """
                    select current_setting('search_path') as path, current_setting('TimeZone') as zone,
                        current_setting('statement_timeout') as timeout, current_setting('application_name') as name,
                        current_setting('client_encoding') as encoding,
                        current_setting('idle_in_transaction_session_timeout') as idle
                    """
                ).first)
            #expect(try row.get("path") == "tests" || row.get("path") == "\"tests\"")
            #expect(try row.get("zone") == "UTC")
            #expect(try row.get("timeout") == "12s")
            #expect(try row.get("name") == "under test")
            #expect(try row.get("encoding") == "UTF8")
            #expect(try row.get("idle") == "1min")
        }
    }

    @Test func noticesAndWarningsDoNoHarm() async throws {
        try await withPool { pool in
            try await pool.query("drop table if exists absent")
            try await pool.withConnection { try await $0.executeScript("do $$ begin raise warning 'x'; end $$") }
            #expect(try await pool.query("select 1 as one").count == 1)
        }
    }

    @Test func textThatPostgreSQLCannotHoldIsRefusedAndTheConnectionLivesOn() async throws {
        try await withPool(connectionCountMax: 1) { pool in
            let error = try await failure { try await pool.query("select \("a\0b") as text") }
            #expect(error.code == .server && error.sqlState == "22021" && !error.isRetriable)
            #expect(try await pool.query("select 1 as one").count == 1)
        }
    }

    @Test func theConnectionStringIsNeverShown() throws {
        let configuration = PostgresConfiguration(
            connectionString: "postgresql://u:hunter2@localhost/x", applicationName: "a")
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!"\(configuration) \(String(reflecting: configuration)) \(dumped)".contains("hunter2"))
        let error = #expect(throws: PostgresError.self) { try ConnectionParameters(parsing: "password= hunter2 oops") }
        #expect(error?.code == .configuration)
        #expect(!"\(String(describing: error))".contains("hunter2"))
    }

    @Test func hostsOfAConnectionStringAreAllFound() throws {
        #expect(
            try PostgresConfiguration.hosts(of: "postgresql://a,b:2/x?hostaddr=10.0.0.1") == ["a", "b", "10.0.0.1"])
        #expect(try PostgresConfiguration.hosts(of: "dbname=x") == [])
        #expect(try PostgresConfiguration.hosts(of: "postgresql:///x?host=/var/run") == ["/var/run"])
    }
}
