import Crypto
import FoundationEssentials
import HTTPTypes
package import Hummingbird
package import Postgres

/// A command that may be sent twice and takes effect once.
///
/// The key, the effect, its events and the answer commit in one transaction. A repeat gets the stored answer; one that
/// arrives while the first still runs waits for it on the primary key of `http_commands`. A command that throws leaves
/// nothing behind, so its key may be used again.
///
/// The key counts per caller and per concrete path for 24 hours; under the same key with another body the answer is
/// 422. Callers without a token share one caller, so their clients must send random keys.
package struct IdempotentCommand: Sendable {
    private static let keyBytesMax = 128
    /// A database that restarts is back within seconds, and the caller would wait as long to ask again.
    private static let resolvingDelays: [Duration] = [.zero, .milliseconds(100), .milliseconds(400), .seconds(2)]

    let caller: String
    let route: String
    let key: String
    let bodyHash: [UInt8]
    private let contentTypeProblem: Problem?
    /// The body as it came, at most 1 MiB; empty when there is none.
    package let body: [UInt8]

    /// Reads key and body.
    /// - Throws: 400 without a usable `Idempotency-Key`, 413 for a body over the limit.
    package init(_ request: Request, _ context: MaillageContext) async throws {
        key = try Self.key(of: request)
        caller = context.actor
        route = "\(request.method.rawValue) \(request.uri.path)"
        body = try await BodyDecoder.collect(request, limitBytes: context.maxUploadSize)
        bodyHash = Array(SHA256.hash(data: body))
        do throws(Problem) {
            try BodyDecoder.checkContentType(request)
            contentTypeProblem = nil
        } catch {
            contentTypeProblem = error
        }
    }

    /// A command that did not come as a request, for those who carry it out directly.
    package init(caller: String, route: String, key: String, body: [UInt8] = []) {
        self.caller = caller
        self.route = route
        self.key = key
        self.body = body
        bodyHash = Array(SHA256.hash(data: body))
        contentTypeProblem = nil
    }

    /// The body as `Value`.
    /// - Throws: 415, 400 or 422, as ``BodyDecoder`` does.
    package func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        if let contentTypeProblem { throw contentTypeProblem }
        return try BodyDecoder.decode(type, from: body)
    }

    /// Runs `command` once for this key, in a transaction, and answers; `command` may run again when the transaction
    /// was rolled back by a conflict with another one.
    package func run(
        on pool: PostgresPool, _ command: (PostgresTransaction) async throws -> CommandResponse
    ) async throws -> Response {
        do {
            return try await attempt(on: pool, command, isReplay: true)
        } catch let error as PostgresError where error.code == .commitUnknown {
            return try await resolve(error, on: pool, command)
        }
    }

    /// Nobody knows whether the transaction was committed; its key does. Running it again waits for the server to end
    /// the first run, should it still be busy with it, and then finds that run's answer or nothing at all.
    private func resolve(
        _ unknown: PostgresError, on pool: PostgresPool,
        _ command: (PostgresTransaction) async throws -> CommandResponse
    ) async throws -> Response {
        for delay in Self.resolvingDelays {
            try await Task.sleep(for: delay)
            do {
                return try await attempt(on: pool, command, isReplay: false)
            } catch let error as PostgresError where error.code == .commitUnknown || error.isRetriable {
                continue
            }
        }
        throw unknown
    }

    private func attempt(
        on pool: PostgresPool, _ command: (PostgresTransaction) async throws -> CommandResponse, isReplay: Bool
    ) async throws -> Response {
        try await pool.withTransaction { transaction in
            guard try await claim(in: transaction) else {
                return try await stored(in: transaction).response(isReplay: isReplay)
            }
            let answer = try await command(transaction)
            try await store(answer, in: transaction)
            return answer.response(isReplay: false)
        }
    }

    /// Whether this request is the first with its key; waits for a concurrent one to end.
    private func claim(in transaction: PostgresTransaction) async throws -> Bool {
        try await transaction.query(
            """
            insert into http_commands (caller, route, key, body_sha256)
            values (\(caller), \(route), \(key), \(bodyHash))
            on conflict do nothing
            """
        ).affectedCount == 1
    }

    private func stored(in transaction: PostgresTransaction) async throws -> CommandResponse {
        let rows = try await transaction.query(
            """
            select body_sha256, status, location, etag, content_type, body from http_commands
            where caller = \(caller) and route = \(route) and key = \(key)
            """)
        // Gone between two statements: it was purged, after 24 hours. The repeat will run anew.
        guard let row = rows.first else { throw Problem.unavailable }
        guard try row.get("body_sha256", as: [UInt8].self) == bodyHash else { throw Self.reused }
        return try CommandResponse(row)
    }

    private func store(_ answer: CommandResponse, in transaction: PostgresTransaction) async throws {
        try await transaction.enqueue(
            """
            update http_commands set status = \(Int16(answer.status.code)), location = \(answer.location),
                etag = \(answer.etag), content_type = \(answer.contentType), body = \(answer.body)
            where caller = \(caller) and route = \(route) and key = \(key)
            """)
    }

    /// The key, with or without the quotes of a structured field.
    private static func key(of request: Request) throws(Problem) -> String {
        guard var text = request.headers[.idempotencyKey] else { throw missing }
        if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") { text = String(text.dropFirst().dropLast()) }
        guard (1...keyBytesMax).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw missing
        }
        return text
    }

    private static let missing = Problem(
        .badRequest, "idempotency-key-required", "This request needs an Idempotency-Key",
        detail: "expected the header Idempotency-Key with 1 to \(keyBytesMax) visible ASCII characters"
    ).mending("Make a new random key (a UUID) for each thing you want done, and repeat it only with the same body.")

    static let reused = Problem(
        .unprocessableContent, "idempotency-key-reused", "This Idempotency-Key was used with another body"
    ).mending("Use a new key for a new request; to repeat the old one send exactly its body.")
}

extension IdempotentCommand {
    /// Deletes what is older than 24 hours, at most `limit` rows; rows that another replica is deleting are left to it.
    /// - Returns: how many rows went.
    package static func purge(_ session: some PostgresSession, limit: Int = 1_000) async throws(PostgresError) -> Int {
        try await session.query(
            """
            delete from http_commands where ctid = any(array(
                select ctid from http_commands where created_at < clock_timestamp() - interval '24 hours'
                order by created_at limit \(limit) for update skip locked))
            """
        ).affectedCount
    }
}
