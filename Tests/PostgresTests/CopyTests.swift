import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(10)))
struct CopyTests {
    private struct Refusal: Error, Equatable {}

    private static let columns = [
        PostgresColumn("id", .int8), PostgresColumn("name", .text), PostgresColumn("at", .timestamptz),
    ]

    private func withTable(_ body: (PostgresPool) async throws -> Void) async throws {
        try await withPool(connectionCountMax: 1) { pool in
            try await pool.query("create table people (id bigint primary key, name text, at timestamptz)")
            try await body(pool)
        }
    }

    private func count(_ session: some PostgresSession) async throws -> Int {
        try #require(try await session.query("select count(*) as n from people").first).get("n")
    }

    private func pid(_ session: some PostgresSession) async throws -> Int {
        try #require(try await session.query("select pg_backend_pid() as pid").first).get("pid")
    }

    // MARK: Into a table

    @Test func rowsArriveWithTheirTypesAndNulls() async throws {
        try await withTable { pool in
            // given
            let date = Date(timeIntervalSince1970: 1_790_000_000)
            // when
            let written = try await pool.withTransaction { transaction in
                try await transaction.copy(into: "people", columns: Self.columns) { writer in
                    try await writer.write(1 as Int64, "é\t\\N\n", date)
                    try await writer.write(2 as Int64, nil as String?, nil as Date?)
                }
            }
            // then
            #expect(written == 2)
            let rows = try await pool.query("select name, at from people order by id")
            #expect(try rows[0].get("name") == "é\t\\N\n" && rows[0].get("at") == date)
            #expect(try rows[1].get("name", as: String?.self) == nil && rows[1].get("at", as: Date?.self) == nil)
        }
    }

    @Test func whatWaitsToGoOutGoesOutBeforeTheCopy() async throws {
        try await withTable { pool in
            try await pool.withTransaction { transaction in
                try await transaction.enqueue("insert into people (id) values (1)")
                try await transaction.copyLines(into: "people", columns: ["id", "name"]) { writer in
                    try await writer.write("2\tb")
                }
            }
            #expect(try await count(pool) == 2)
        }
    }

    @Test func manyRowsPassPieceByPiece() async throws {
        try await withTable { pool in
            let text = String(repeating: "x", count: 1_000)
            let written = try await pool.withConnection { lease in
                try await lease.copy(into: "people", columns: Array(Self.columns.prefix(2))) { writer in
                    for number in 0..<20_000 { try await writer.write(Int64(number), text) }
                }
            }
            #expect(written == 20_000)
            #expect(try await count(pool) == 20_000)
        }
    }

    @Test func aColumnOfAnotherTypeIsRefusedBeforeARowIsSent() async throws {
        try await withTable { pool in
            for (columns, words) in [
                ([PostgresColumn("id", .timestamptz)], "column id of people is bigint, not timestamptz"),
                ([PostgresColumn("nobody", .text)], "people has no column nobody"),
            ] {
                let error = try await failure {
                    _ = try await pool.withTransaction { transaction in
                        try await transaction.copy(into: "people", columns: columns) { _ in Issue.record("it began") }
                    }
                }
                #expect(error.code == .configuration && "\(error)".contains(words))
            }
        }
    }

    @Test func aRowThatIsNotAsAnnouncedIsRefusedAndLeavesTheConnectionInOrder() async throws {
        try await withTable { pool in
            let before = try await pid(pool)
            let short = try await failure {
                _ = try await pool.withTransaction { transaction in
                    try await transaction.copy(into: "people", columns: Self.columns) { writer in
                        try await writer.write(1 as Int64, "a")
                    }
                }
            }
            let wrong = try await failure {
                _ = try await pool.withConnection { lease in
                    try await lease.copy(into: "people", columns: Self.columns) { writer in
                        try await writer.write("1", "a", nil as Date?)
                    }
                }
            }
            #expect("\(short)".contains("2 values for 3 columns"))
            #expect("\(wrong)".contains("column id was announced as bigint, not text"))
            #expect(try await count(pool) == 0)
            #expect(try await pid(pool) == before)
        }
    }

    @Test func theLineThatCannotBeReadIsToldWithoutItsContents() async throws {
        try await withTable { pool in
            let before = try await pid(pool)
            let error = try await failure {
                _ = try await pool.withConnection { lease in
                    try await lease.copyLines(into: "people", columns: ["id", "name"]) { writer in
                        try await writer.write("1\tMme Un")
                        try await writer.write("2\tMme Deux")
                        try await writer.write("Mme Secret, line 99\tx")
                    }
                }
            }
            #expect(error.sqlState == "22P02" && error.code == .server)
            #expect("\(error)".contains("line 3 of the COPY"))
            #expect(!"\(error)".contains("Secret"))
            #expect(try await count(pool) == 0)
            #expect(try await pid(pool) == before)
        }
    }

    @Test func aConstraintThatARowViolatesIsNamed() async throws {
        try await withTable { pool in
            let error = try await failure {
                _ = try await pool.withTransaction { transaction in
                    try await transaction.copy(into: "people", columns: Self.columns) { writer in
                        for _ in 0..<2 { try await writer.write(7 as Int64, "a", nil as Date?) }
                    }
                }
            }
            #expect(error.isUniqueViolation && error.constraint == "people_pkey")
            #expect(try await count(pool) == 0)
        }
    }

    @Test func csvIsReadAsFilesHaveIt() async throws {
        try await withTable { pool in
            let written = try await pool.withConnection { lease in
                try await lease.copyLines(
                    into: "people", columns: ["id", "name"], format: .csv(header: true)
                ) { writer in
                    try await writer.write(bytes: Array("id,name\n1,\"a, \"\"b\"\"\"\n2,\n".utf8))
                }
            }
            #expect(written == 2)
            let names = try await pool.query("select name from people order by id")
            #expect(try names.map { try $0.get("name", as: String?.self) } == ["a, \"b\"", nil])
        }
    }

    @Test func aClosureThatThrowsLeavesNoRowAndTheConnectionInOrder() async throws {
        try await withTable { pool in
            let before = try await pid(pool)
            await #expect(throws: Refusal()) {
                try await pool.withConnection { lease in
                    try await lease.copy(into: "people", columns: Self.columns) { writer in
                        for number in 0..<5_000 { try await writer.write(Int64(number), "some text", nil as Date?) }
                        throw Refusal()
                    }
                }
            }
            #expect(try await count(pool) == 0)
            #expect(try await pid(pool) == before)
        }
    }

    @Test func aCancelledCopyLeavesNoRowAndTheConnectionInOrder() async throws {
        try await withTable { pool in
            // given
            let before = try await pid(pool)
            let journal = Journal<Int>()
            let writing = Task {
                try await pool.withTransaction { transaction in
                    _ = try await transaction.copy(into: "people", columns: Self.columns) { writer in
                        for number in 0... {
                            try await writer.write(Int64(number), "some text that fills the buffer", nil as Date?)
                            if number == 10_000 { journal.note(number) }
                        }
                    }
                }
            }
            try await eventually("it writes") { !journal.entries.isEmpty }
            // when
            writing.cancel()
            // then
            let error = try await failure { try await writing.value }
            #expect(error.code == .cancelled)
            #expect(try await count(pool) == 0)
            #expect(try await pid(pool) == before)
        }
    }

    @Test func aCopyHasItsTimeAndTheSessionItsOwnAfterwards() async throws {
        try await withTable { pool in
            try await pool.withTransaction { transaction in
                try await transaction.copy(into: "people", columns: Self.columns, timeout: .seconds(120)) { writer in
                    try await writer.write(1 as Int64, "a", nil as Date?)
                }
                let row = try await transaction.query("select current_setting('statement_timeout') as timeout").first
                #expect(try row?.get("timeout") == "25s")
            }
            // when: a lock that somebody else holds lets it wait
            let error = try await failure {
                try await pool.withConnection { lease in
                    try await lease.executeScript(
                        """
                        create function wait() returns trigger language plpgsql as
                            'begin perform pg_sleep(60); return new; end';
                        create trigger waits before insert on people for each row execute function wait()
                        """)
                    try await lease.copy(into: "people", columns: Self.columns, timeout: .milliseconds(300)) { writer in
                        try await writer.write(2 as Int64, "a", nil as Date?)
                    }
                }
            }
            #expect([.deadlineExceeded, .commitUnknown].contains(error.code))
            try await eventually("nothing came of it") { try await count(pool) == 1 }
        }
    }

    @Test func nothingElseCanBeSentDuringACopy() async throws {
        try await withTable { pool in
            try await pool.withTransaction { transaction in
                try await transaction.copy(into: "people", columns: Self.columns) { writer in
                    let error = try await failure { try await transaction.query("select 1") }
                    #expect(error.code == .configuration)
                    try await writer.write(1 as Int64, "a", nil as Date?)
                }
                #expect(try await count(transaction) == 1)
            }
        }
    }

    // MARK: Out of a query

    private func collect(_ rows: PostgresCopiedRows) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in rows { bytes += piece }
        return bytes
    }

    @Test func aQueryIsExportedAsItsFormatWritesIt() async throws {
        try await withTable { pool in
            try await pool.query("insert into people values (1, 'a, \"b\"'), (2, null)")
            let texts = try await pool.withTransaction { transaction in
                let csv = try await transaction.copy(
                    out: "select id, name from people order by id", format: .csv(header: true)
                ) { try await collect($0) }
                let text = try await transaction.copy(
                    out: "select id, name from people order by id", format: .text
                ) { try await collect($0) }
                return [csv, text].map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(texts == ["id,name\n1,\"a, \"\"b\"\"\"\n2,\n", "1\ta, \"b\"\n2\t\\N\n"])
            let error = try await failure {
                try await pool.withConnection { lease in
                    _ = try await lease.copy(out: "select \(1)", format: .text) { try await collect($0) }
                }
            }
            #expect(error.code == .configuration)
        }
    }

    @Test func aSlowReaderSlowsTheServerDown() async throws {
        try await withDatabase(schema: "tests") { observer, _ in
            try await withTable { pool in
                // given: 30 MB, of which the reader takes a piece and then waits
                let before = try await pid(pool)
                try await pool.withConnection { lease in
                    try await lease.copy(
                        out: "select repeat('x', 10000) from generate_series(1, 3000)", format: .text
                    ) { rows in
                        var iterator = rows.makeAsyncIterator()
                        _ = try await iterator.next()
                        // when
                        try await eventually("the server waits for the reader") {
                            try await observer.query(
                                """
                                select from pg_stat_activity
                                where pid = \(Int32(before)) and wait_event = 'ClientWrite'
                                """
                            ).count == 1
                        }
                        // then: the rest comes all the same
                        var byteCount = 0
                        while let piece = try await iterator.next() { byteCount += piece.count }
                        #expect(byteCount > 29_000_000)
                    }
                }
                #expect(try await pid(pool) == before)
            }
        }
    }

    @Test func whatTheReaderLeavesIsStoppedAtItsSource() async throws {
        try await withTable { pool in
            let before = try await pid(pool)
            // when
            let first = try await pool.withConnection { lease in
                try await lease.copy(out: "select generate_series(1, 1000000000)", format: .text) { rows in
                    for try await piece in rows { return piece }
                    return []
                }
            }
            // then
            #expect(first.starts(with: Array("1\n2\n3\n".utf8)))
            #expect(try await pid(pool) == before)
        }
    }

    @Test func anExportThatFailsOnItsWayIsAnError() async throws {
        try await withTable { pool in
            let before = try await pid(pool)
            let error = try await failure {
                try await pool.withConnection { lease in
                    _ = try await lease.copy(
                        out: "select 100000 / (50000 - n) from generate_series(1, 100000) as n", format: .text
                    ) { try await collect($0) }
                }
            }
            #expect(error.sqlState == "22012")
            #expect(try await pid(pool) == before)
        }
    }
}
