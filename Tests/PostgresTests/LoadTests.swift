import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// Whole tables of rows by one request.
@Suite(.timeLimit(.minutes(10)))
struct LoadTests {
    private func withTables(
        connectionCountMax: Int = 1, through proxy: CuttingProxy? = nil, statementTimeout: Duration = .seconds(20),
        _ body: (PostgresPool) async throws -> Void
    ) async throws {
        try await withPool(
            connectionCountMax: connectionCountMax, statementTimeout: statementTimeout, through: proxy
        ) { pool in
            try await pool.query("create table people (id bigint primary key, name text, at timestamptz)")
            try await pool.query("create table visits (person bigint not null, is_first boolean)")
            try await body(pool)
        }
    }

    private func people(_ ids: some Sequence<Int64>, name: String? = "é\t\\N\n") -> PostgresTableRows {
        var (numbers, names, times) = (PostgresArray(.int8), PostgresArray(.text), PostgresArray(.timestamptz))
        for id in ids {
            numbers.append(int8: id)
            if let name { names.append(text: name) } else { names.appendNull() }
            times.append(date: Date(timeIntervalSince1970: 1_790_000_000 + Double(id)))
        }
        return PostgresTableRows("people", ["id": numbers, "name": names, "at": times])
    }

    private func visits(_ persons: some Sequence<Int64>) -> PostgresTableRows {
        var (numbers, flags) = (PostgresArray(.int8), PostgresArray(.bool))
        for person in persons {
            numbers.append(int8: person)
            if person.isMultiple(of: 2) { flags.append(bool: true) } else { flags.appendNull() }
        }
        return PostgresTableRows("visits", ["person": numbers, "is_first": flags])
    }

    private func count(_ session: some PostgresSession) async throws -> [Int] {
        let rows = try await session.query(
            "select (select count(*) from people) as people, (select count(*) from visits) as visits")
        return try [#require(rows.first).get("people"), #require(rows.first).get("visits")]
    }

    @Test(arguments: [true, false])
    func theRowsOfSeveralTablesArriveWithTheirTypesAndNulls(isInTransaction: Bool) async throws {
        try await withTables { pool in
            // when: in a transaction by COPY, elsewhere by statements
            if isInTransaction {
                try await pool.withTransaction { transaction in
                    try await transaction.enqueue("insert into people (id) values (1)")
                    try await transaction.load([people(2...3), visits([]), visits(4...5)])
                    try await transaction.query("insert into visits (person) values (6)")
                }
            } else {
                try await pool.query("insert into people (id) values (1)")
                try await pool.load([people(2...3), visits([]), visits(4...5)])
                try await pool.query("insert into visits (person) values (6)")
            }
            // then
            #expect(try await count(pool) == [3, 3])
            let rows = try await pool.query("select name, at from people order by id")
            #expect(try rows[2].get("name") == "é\t\\N\n")
            #expect(try rows[2].get("at") == Date(timeIntervalSince1970: 1_790_000_003))
            let flags = try await pool.query("select is_first from visits order by person")
            #expect(try flags.map { try $0.get("is_first", as: Bool?.self) } == [true, nil, nil])
        }
    }

    @Test func theStatementThatLeavesOutWhatIsThereTellsHowMuchWasNew() async throws {
        try await withTables { pool in
            try await pool.query(people(1...3).insertNew)
            #expect(try await pool.query(people(2...5).insertNew).affectedCount == 2)
            #expect(try await count(pool) == [5, 0])
        }
    }

    @Test func aRowThatIsThereUndoesTheTransactionAndSparesTheConnection() async throws {
        try await withTables { pool in
            // given
            try await pool.query("insert into people (id) values (3)")
            for tables in [[visits(1...2), people(2...4)], [people(2...4), visits(1...2)]] {
                // when
                let error = await #expect(throws: PostgresError.self) {
                    try await pool.withTransaction { transaction in
                        try await transaction.query("insert into visits (person) values (9)")
                        try await transaction.load(tables)
                    }
                }
                // then
                #expect(error?.isUniqueViolation == true && error?.constraint == "people_pkey")
                #expect(try await count(pool) == [1, 0])
            }
            // then: after a savepoint the transaction goes on
            try await pool.withTransaction { transaction in
                try await transaction.query("savepoint before")
                await #expect(throws: PostgresError.self) { try await transaction.load([people(3...3)]) }
                try await transaction.query("rollback to savepoint before")
                try await transaction.load([people(7...8)])
            }
            #expect(try await count(pool) == [3, 0])
        }
    }

    @Test func moreThanTheSocketHoldsGoesThrough() async throws {
        try await withTables { pool in
            let text = String(repeating: "x", count: 1_000)
            try await pool.withTransaction { transaction in
                try await transaction.load([
                    people(0..<20_000, name: text), visits(0..<100_000), people(20_000..<20_010),
                ])
            }
            #expect(try await count(pool) == [20_010, 100_000])
        }
    }

    @Test func aColumnOfAnotherTypeIsRefusedBeforeARowIsSent() async throws {
        try await withTables { pool in
            var names = PostgresArray(.text)
            names.append(text: "1")
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { try await $0.load([PostgresTableRows("people", ["id": names])]) }
            }
            #expect(error?.code == .configuration && error?.reason == "column id of people is bigint, not text")
        }
    }

    @Test func aLockThatIsHeldEndsItAtTheDeadlineOrWithTheTask() async throws {
        try await withTables(connectionCountMax: 2, statementTimeout: .seconds(2)) { pool in
            // given: somebody inserts the same key and does not end
            try await pool.withTransaction { holder in
                try await holder.query("insert into people (id) values (2)")
                // when, then
                let late = await #expect(throws: PostgresError.self) { try await load(pool) }
                #expect(late?.code == .deadlineExceeded)
                let gone = await withTaskGroup(of: PostgresError?.self) { group in
                    group.addTask {
                        do { try await load(pool) } catch { return error as? PostgresError }
                        return nil
                    }
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                #expect(gone?.code == .cancelled)
            }
            #expect(try await count(pool) == [1, 0])
            try await load(pool, ids: 3...4)
            #expect(try await count(pool) == [3, 2])
        }
    }

    @Test func nothingStaysWhenTheConnectionGoesInTheMiddle() async throws {
        let proxy = try makeProxy()
        defer { proxy.close() }
        try await withTables(connectionCountMax: 1, through: proxy) { pool in
            for step in ["copy \"visits\"", "PGCOPY"] {
                proxy.cut(when: .clientSends(Array(step.utf8), isForwarded: true))
                let error = await #expect(throws: PostgresError.self) { try await load(pool) }
                #expect(error?.code == .connectionLost)
            }
            #expect(proxy.cutCount == 2)
            let left = try await count(pool)
            #expect(left == [0, 0])
        }
    }

    private func load(_ pool: PostgresPool, ids: ClosedRange<Int64> = 1...3) async throws {
        try await pool.withTransaction { try await $0.load([visits(ids), people(ids)]) }
    }
}
