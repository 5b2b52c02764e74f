import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import ServiceRuntime

@Suite struct SchemaUpgradeTests {
    /// A database, and a role that goes with it.
    private func withRole(_ body: (PostgresPool, PostgresPool, SchemaUpgrade) async throws -> Void) async throws {
        try await withDatabase(schema: ProbeService.name) { owner, url in
            let role = "maillage_test_" + UUID().uuidString.lowercased().replacing("-", with: "")
            try await owner.query("create role \(identifier: role) login password 'run'")
            var address = try #require(URLComponents(string: url))
            (address.user, address.password) = (role, "run")
            let runURL = try #require(address.string)
            let run = PostgresPool(
                configuration: PostgresConfiguration(
                    connectionString: runURL, schema: ProbeService.name, applicationName: role, connectionCountMax: 2),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let upgrade = SchemaUpgrade(of: ProbeService.self, schema: ProbeService.name, runRole: role)
            do {
                try await body(owner, run, upgrade)
            } catch {
                await run.close()
                try await drop(role, owner)
                throw error
            }
            await run.close()
            try await drop(role, owner)
        }
    }

    private func drop(_ role: String, _ owner: PostgresPool) async throws {
        try await owner.query("drop owned by \(identifier: role)")
        try await owner.query("drop role \(identifier: role)")
    }

    private func isRefused(_ pool: PostgresPool, _ query: PostgresQuery) async -> Bool {
        do throws(PostgresError) {
            try await pool.query(query)
            return false
        } catch {
            // insufficient_privilege
            return error.sqlState == "42501"
        }
    }

    @Test func theRunRoleMayDoWhatItNeedsAndNoMore() async throws {
        try await withRole { owner, run, upgrade in
            // when: the second time nothing is left to do
            #expect(try await upgrade.run(on: owner).isEmpty == false)
            #expect(try await upgrade.run(on: owner).isEmpty)
            // then
            try await run.query("insert into grants values ('g', 1)")
            try await run.query("update grants set version = 2")
            try await run.query("delete from grants")
            try await run.query("insert into trail values ('2026-03-01')")
            #expect(try await run.query("select 1 from trail").count == 1)
            try await run.query(
                """
                insert into events (id, type, stream, subject, sequence, actor, time, correlation, data)
                values ('0195a5f0-7e1c-7000-8000-000000000001', 't', 's', 'x', 1, 'a', now(), 'c', '{}')
                """)
            #expect(await isRefused(run, "update trail set at = now()"))
            #expect(await isRefused(run, "delete from trail"))
            // A partition is a table with rights of its own.
            #expect(await isRefused(run, "delete from trail_2026"))
            #expect(await isRefused(run, "truncate trail_2026"))
            #expect(await isRefused(run, "update events set actor = 'b'"))
            #expect(await isRefused(run, "delete from events"))
            try await run.query(
                """
                insert into dead_letter_acts (id, dead_letter, act, by_name, reason, outcome, detail)
                values ('0195a5f0-7e1c-7000-8000-000000000002', 1, 'show-body', 'Anne', 'a test', 'shown', '')
                """)
            #expect(await isRefused(run, "update dead_letter_acts set by_name = 'Marc'"))
            #expect(await isRefused(run, "delete from dead_letter_acts"))
            #expect(await isRefused(run, "truncate dead_letter_acts"))
            // The owner, who may, is stopped by the trigger.
            await #expect(throws: PostgresError.self) {
                try await owner.query("update dead_letter_acts set by_name = 'Marc'")
            }
            #expect(await isRefused(run, "delete from maillage_migrations"))
            #expect(await isRefused(run, "create table more (id int)"))
            #expect(await isRefused(run, "drop table grants"))
        }
    }

    @Test func aRoleThatDoesNotExistIsNamed() async throws {
        try await withDatabase(schema: ProbeService.name) { owner, _ in
            let upgrade = SchemaUpgrade(of: ProbeService.self, schema: ProbeService.name, runRole: "nobody_here")
            let error = await #expect(throws: SchemaUpgrade.Failure.self) { try await upgrade.run(on: owner) }
            #expect(error?.description.contains("nobody_here") == true)
        }
    }
}
