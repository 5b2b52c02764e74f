import Foundation
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import Logging
import Postgres
import TestSupport
import Testing

@Suite struct IdempotentCommandTests {
    struct Amount: Codable, Sendable { let cents: Int64 }
    struct Payment: Codable, Sendable, Equatable {
        let id: Int64
        let cents: Int64
    }
    struct Refused: ProblemConvertible { var problem: Problem { .conflict("refused", "Refused") } }

    /// A route that pays, on a database of its own; every effect is a row.
    private func withPayments(_ body: (RouterClient, PostgresPool) async throws -> Void) async throws {
        try await withDatabase(schema: "commands", migrations: HTTPDefaultsSchema.migrations) { pool, _ in
            try await body(try await makePayments(on: pool), pool)
        }
    }

    private func makePayments(on pool: PostgresPool) async throws -> RouterClient {
        try await pool.query("create table payments (id bigint generated always as identity, cents bigint)")
        let test = try await TestRouter()
        test.router.post("/payments/{grant}") { request, context in
            let command = try await IdempotentCommand(request, context)
            let amount = try command.decode(Amount.self)
            return try await command.run(on: pool) { transaction in
                let rows = try await transaction.query(
                    "insert into payments (cents) values (\(amount.cents)) returning id")
                guard amount.cents > 0 else { throw Refused() }
                let id: Int64 = try rows[rows.startIndex].get("id")
                return try .created(Payment(id: id, cents: amount.cents), at: "/v1/payments/\(id)", version: 1)
            }
        }
        return RouterClient(test.router)
    }

    /// As ``withPayments(_:)``, with a proxy between the route and its database.
    private func withCuttablePayments(
        _ body: (RouterClient, PostgresPool, CuttingProxy) async throws -> Void
    ) async throws {
        try await withDatabase(schema: "commands", migrations: HTTPDefaultsSchema.migrations) { _, url in
            var components = try #require(URLComponents(string: url))
            let proxy = try CuttingProxy(to: try #require(components.port))
            defer { proxy.close() }
            components.port = proxy.port
            let configuration = PostgresConfiguration(
                connectionString: try #require(components.string), schema: "commands", applicationName: "proxied")
            let pool = PostgresPool(configuration: configuration, logger: Logger(label: "tests"))
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(try await makePayments(on: pool), pool, proxy))
            } catch {
                result = .failure(error)
            }
            await pool.close()
            try result.get()
        }
    }

    /// Whether the server got the COMMIT whose answer never came.
    @Test(arguments: [true, false])
    func aCommitWhoseAnswerIsLostIsDecidedByTheKey(isCommitted: Bool) async throws {
        try await withCuttablePayments { client, pool, proxy in
            // given
            proxy.cut(when: .clientSends(Array("COMMIT\0".utf8), isForwarded: isCommitted))
            // when
            let answer = try await pay(client, "k1")
            // then: the caller never learns of it
            #expect(proxy.cutCount == 1)
            #expect(answer.status == .created && answer.headers[.idempotencyReplayed] == nil)
            #expect(try await count(pool) == 1)
            let again = try await pay(client, "k1")
            #expect(again.headers[.idempotencyReplayed] == "true" && again.bytes == answer.bytes)
            #expect(try await count(pool) == 1)
        }
    }

    @Test func whileTheDatabaseStaysAwayTheOutcomeStaysUnknownAndTheKeyCanBeSentAgain() async throws {
        try await withCuttablePayments { client, pool, proxy in
            // given
            proxy.cut(when: .clientSends(Array("COMMIT\0".utf8), isForwarded: true))
            let refusing = Task {
                while proxy.cutCount == 0 { try await Task.sleep(for: .milliseconds(1)) }
                proxy.setRefusing(true)
            }
            // when
            let answer = try await pay(client, "k1")
            try await refusing.value
            proxy.setRefusing(false)
            // then: either the proxy refused in time, or the key was found before
            #expect([.created, .serviceUnavailable].contains(answer.status))
            let again = try await pay(client, "k1")
            #expect(again.status == .created && again.headers[.idempotencyReplayed] == "true")
            #expect(try await count(pool) == 1)
        }
    }

    private func pay(
        _ client: RouterClient, _ key: String?, cents: Int = 100, grant: Int = 1, subject: String = "a"
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.idempotencyKey] = key
        return try await client.request(
            .post, "/payments/\(grant)", by: .init([.operator], subject: subject),
            body: Array(#"{"cents": \#(cents)}"#.utf8), headers: headers)
    }

    private func count(_ pool: PostgresPool) async throws -> Int64 {
        let rows = try await pool.query("select count(*) as n from payments")
        return try rows[rows.startIndex].get("n")
    }

    @Test func aRepeatGetsTheStoredAnswerAndNoSecondEffect() async throws {
        try await withPayments { client, pool in
            // when
            let first = try await pay(client, "k1")
            let again = try await pay(client, "\"k1\"")
            // then
            #expect(first.status == .created && first.headers[.location] == "/v1/payments/1" && first.version == 1)
            #expect(first.headers[.idempotencyReplayed] == nil && again.headers[.idempotencyReplayed] == "true")
            #expect(again.status == .created && again.bytes == first.bytes && again.version == 1)
            #expect(again.headers[.location] == "/v1/payments/1")
            #expect(try await count(pool) == 1)
        }
    }

    @Test func twentyRacingRequestsHaveOneEffectAndOneAnswer() async throws {
        try await withPayments { client, pool in
            // when
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<20 { group.addTask { try await pay(client, "race") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // then
            #expect(try await count(pool) == 1)
            #expect(answers.count == 20 && answers.allSatisfy { $0.status == .created })
            #expect(Set(answers.map(\.text)).count == 1)
            #expect(answers.filter { $0.headers[.idempotencyReplayed] == nil }.count == 1)
        }
    }

    @Test func anotherBodyUnderTheSameKeyIsRefused() async throws {
        try await withPayments { client, pool in
            _ = try await pay(client, "k1")
            let other = try await pay(client, "k1", cents: 200)
            #expect(other.status == .unprocessableContent && other.problemSlug == "idempotency-key-reused")
            #expect(try await count(pool) == 1)
        }
    }

    @Test func theKeyCountsPerCallerAndPath() async throws {
        try await withPayments { client, pool in
            _ = try await pay(client, "k1")
            #expect(try await pay(client, "k1", subject: "b").headers[.idempotencyReplayed] == nil)
            #expect(try await pay(client, "k1", grant: 2).headers[.idempotencyReplayed] == nil)
            #expect(try await count(pool) == 3)
        }
    }

    @Test func aCommandThatFailsLeavesItsKeyFree() async throws {
        try await withPayments { client, pool in
            let refused = try await pay(client, "k1", cents: 0)
            #expect(refused.status == .conflict)
            #expect(try await count(pool) == 0)
            let rows = try await pool.query("select 1 from http_commands")
            #expect(rows.isEmpty)
            #expect(try await pay(client, "k1", cents: 100).status == .created)
        }
    }

    @Test(arguments: [nil, "", "a b", String(repeating: "k", count: 129), "\"\"", "clé"] as [String?])
    func aRequestWithoutAUsableKeyIsTold(_ key: String?) async throws {
        try await withPayments { client, pool in
            let answer = try await pay(client, key)
            #expect(answer.status == .badRequest && answer.problemSlug == "idempotency-key-required")
            #expect(answer.problem?.detail?.contains("Idempotency-Key") == true)
            #expect(try await count(pool) == 0)
        }
    }

    @Test func keysOlderThanADayArePurged() async throws {
        try await withPayments { client, pool in
            // given
            for number in 0..<5 { _ = try await pay(client, "old-\(number)") }
            _ = try await pay(client, "young")
            try await pool.query(
                "update http_commands set created_at = created_at - interval '25 hours' where key like 'old-%'")
            // then
            #expect(try await IdempotentCommand.purge(pool, limit: 3) == 3)
            #expect(try await IdempotentCommand.purge(pool, limit: 3) == 2)
            #expect(try await IdempotentCommand.purge(pool, limit: 3) == 0)
            #expect(try await pay(client, "young").headers[.idempotencyReplayed] == "true")
            #expect(try await pay(client, "old-1").headers[.idempotencyReplayed] == nil)
        }
    }
}
