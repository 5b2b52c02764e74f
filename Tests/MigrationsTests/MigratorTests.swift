import Logging
import Postgres
import TestSupport
import Testing

@testable import Migrations

@Suite(.timeLimit(.minutes(10)))
struct MigratorTests {
    private let files = [
        MigrationFile(
            component: "outbox", name: "0001-events",
            sql: "create table events (position bigint primary key); create index on events (position);"),
        MigrationFile(component: "outbox", name: "0002-more", sql: "alter table events add column subject text"),
        MigrationFile(
            component: "funding", name: "0001-grants",
            sql: "create table grants (event bigint references events); insert into grants values (null)"),
    ]

    private func migrator(_ files: [MigrationFile]) -> Migrator { Migrator(schema: "ledger", files: files) }

    private func failure(
        location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws -> MigrationsError {
        do {
            try await body()
        } catch let error as MigrationsError {
            return error
        }
        Issue.record("nothing was thrown", sourceLocation: location)
        throw NothingThrown()
    }

    private func tables(_ pool: PostgresPool) async throws -> [String] {
        let rows = try await pool.query("select tablename from pg_tables where schemaname = 'ledger' order by 1")
        return try rows.map { try $0.get("tablename") }
    }

    @Test func filesAreAppliedOnceInTheOrderOfComponentsAndNames() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            // given: names out of order within a component
            let shuffled = [files[1], files[0], files[2]]
            // when
            let applied = try await migrator(shuffled).apply(on: pool)
            // then
            #expect(applied == ["outbox/0001-events", "outbox/0002-more", "funding/0001-grants"])
            #expect(try await migrator(shuffled).apply(on: pool) == [])
            try await migrator(shuffled).check(on: pool)
            #expect(try await tables(pool) == ["events", "grants", "maillage_migrations"])
            #expect(try await pool.query("select from ledger.grants").count == 1)
        }
    }

    @Test func aNewFileIsAppliedOnTopOfTheOldOnes() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            _ = try await migrator(Array(files.prefix(1))).apply(on: pool)
            #expect(try await migrator(files).apply(on: pool) == ["outbox/0002-more", "funding/0001-grants"])
        }
    }

    @Test func ofMigratorsThatRaceOneApplies() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            // given
            let slow = files + [MigrationFile(component: "slow", name: "0001", sql: "select pg_sleep(0.2)")]
            // when
            let applied = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<4 { group.addTask { try await migrator(slow).apply(on: pool) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // then
            #expect(applied.filter { $0.isEmpty }.count == 3)
            #expect(applied.flatMap { $0 }.count == 4)
        }
    }

    @Test func anEditedFileIsRefusedByName() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            // given
            _ = try await migrator(files).apply(on: pool)
            let edited = [
                files[0], MigrationFile(component: "outbox", name: "0002-more", sql: files[1].sql + " "), files[2],
            ]
            for attempt in [
                { try await migrator(edited).check(on: pool) }, { _ = try await migrator(edited).apply(on: pool) },
            ] {
                // when
                let error = try await failure(attempt)
                // then
                #expect(error.code == .edited)
                #expect(error.files == ["outbox/0002-more"])
                #expect("\(error)".contains("outbox/0002-more") && "\(error)".contains("restore"))
            }
        }
    }

    @Test func aSchemaThatIsNewerThanTheProgramIsRefused() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            _ = try await migrator(files).apply(on: pool)
            let older = migrator(Array(files.prefix(2)))
            for attempt in [{ try await older.check(on: pool) }, { _ = try await older.apply(on: pool) }] {
                let error = try await failure(attempt)
                #expect(error.code == .newer)
                #expect("\(error)".contains("funding/0001-grants") && "\(error)".contains("newer version"))
            }
        }
    }

    @Test func missingFilesAreNamedBeforeServing() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            let never = try await failure { try await migrator(files).check(on: pool) }
            #expect(never.code == .missing && never.files.count == 3)
            _ = try await migrator(Array(files.prefix(2))).apply(on: pool)
            let partly = try await failure { try await migrator(files).check(on: pool) }
            #expect(partly.files == ["funding/0001-grants"])
            #expect("\(partly)".contains("migrate"))
        }
    }

    @Test func aFileThatFailsLeavesNoTraceAndStopsTheRest() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            // given
            let broken = MigrationFile(
                component: "outbox", name: "0002-more",
                sql: "create table half (n int); select 1 / 0; create table rest (n int)")
            // when
            let error = try await failure { _ = try await migrator([files[0], broken, files[2]]).apply(on: pool) }
            // then
            #expect(error.code == .failed)
            #expect(error.files == ["outbox/0002-more"])
            #expect(error.cause?.sqlState == "22012")
            #expect(try await tables(pool) == ["events", "maillage_migrations"])
            #expect(try await migrator(files).apply(on: pool).count == 2)
        }
    }

    @Test func aFileThatCommitsByItselfIsRefused() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            let sneaky = MigrationFile(component: "a", name: "0001", sql: "create table a (n int); commit")
            let error = try await failure { _ = try await migrator([sneaky]).apply(on: pool) }
            #expect(error.code == .failed && error.files == ["a/0001"])
        }
    }

    @Test func aFileThatSortsBeforeAnAppliedOneIsRefused() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            _ = try await migrator([files[1]].map { MigrationFile(component: $0.component, name: $0.name, sql: "") })
                .apply(on: pool)
            let late = [MigrationFile(component: "outbox", name: "0002-more", sql: ""), files[0]]
            let error = try await failure { _ = try await migrator(late).apply(on: pool) }
            #expect(error.code == .outOfOrder && error.files == ["outbox/0001-events"])
        }
    }

    @Test func twoFilesOfOneNameAreRefused() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            let error = try await failure { _ = try await migrator(files + [files[0]]).apply(on: pool) }
            #expect(error.code == .duplicate && error.files == ["outbox/0001-events"])
        }
    }

    @Test func aSchemaOfAnyNameIsMigrated() async throws {
        try await withDatabase(schema: "other") { pool, _ in
            let odd = Migrator(schema: "Odd \"name\"", files: files)
            #expect(try await odd.apply(on: pool).count == 3)
            try await odd.check(on: pool)
            let rows = try await pool.query("select from pg_tables where schemaname = \("Odd \"name\"")")
            #expect(rows.count == 3)
        }
    }

    @Test func aMigratedDatabaseIsLentToEachTestAndDroppedWhenItThrows() async throws {
        // given
        struct Refusal: Error {}
        let names = Names()
        for _ in 0..<2 {
            await #expect(throws: Refusal.self) {
                // when
                try await withDatabase(schema: "ledger", migrations: files) { pool, _ in
                    let row = try await pool.query(
                        "select current_database() as name, (select count(*) from grants) as n"
                    ).first
                    try await names.note(#require(row).get("name"))
                    #expect(try row?.get("n", as: Int.self) == 1)
                    try await pool.query("insert into grants values (null)")
                    throw Refusal()
                }
            }
        }
        // then
        try await withDatabase(schema: "other") { pool, _ in
            let left = try await pool.query("select from pg_database where datname = any(\(await names.list))")
            #expect(await Set(names.list).count == 2)
            #expect(left.isEmpty)
        }
    }
}

private struct NothingThrown: Error {}

private actor Names {
    private(set) var list: [String] = []
    func note(_ name: String) { list.append(name) }
}
