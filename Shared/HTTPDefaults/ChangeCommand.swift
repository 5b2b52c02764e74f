package import Hummingbird
package import Postgres

/// A change of an aggregate: it names the version that it was decided on, so that nobody overwrites what they have
/// not seen.
///
/// With an `Idempotency-Key` a repeat gets the first answer, as ``IdempotentCommand`` says. Without one a repeat is
/// refused with 412, because the first one changed the version: it takes effect once either way.
package struct ChangeCommand: Sendable {
    private enum Kind: Sendable {
        case repeatable(IdempotentCommand)
        /// The body as it came, and why it is no JSON where it is none.
        case once([UInt8], Problem?)
    }

    private let kind: Kind
    /// From `If-Match`; the store compares it under the row's lock.
    package let expectedVersion: Int64

    /// - Throws: 428 or 400 for `If-Match`, 400 for an unusable `Idempotency-Key`, 413 for a body over the limit.
    package init(_ request: Request, _ context: MaillageContext) async throws {
        expectedVersion = try request.expectedVersion()
        if request.headers[.idempotencyKey] != nil {
            kind = .repeatable(try await IdempotentCommand(request, context))
            return
        }
        let body = try await BodyDecoder.collect(request, limitBytes: context.maxUploadSize)
        do throws(Problem) {
            try BodyDecoder.checkContentType(request)
            kind = .once(body, nil)
        } catch {
            kind = .once(body, error)
        }
    }

    /// The body as `Value`.
    /// - Throws: 415, 400 or 422, as ``BodyDecoder`` does.
    package func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        switch kind {
        case .repeatable(let command): return try command.decode(type)
        case .once(let body, let problem):
            if let problem { throw problem }
            return try BodyDecoder.decode(type, from: body)
        }
    }

    /// Runs `command` in a transaction, and answers; it may run again when the transaction was rolled back by a
    /// conflict with another one.
    package func run(
        on pool: PostgresPool, _ command: (PostgresTransaction) async throws -> CommandResponse
    ) async throws -> Response {
        switch kind {
        case .repeatable(let idempotent): try await idempotent.run(on: pool, command)
        case .once: try await pool.withTransaction { try await command($0) }.response(isReplay: false)
        }
    }
}
