import HTTPTypes
package import Hummingbird
package import Postgres

/// Commands of several callers that are carried out in one transaction, each with its own key and its own answer.
///
/// As with ``IdempotentCommand/run(on:_:)`` an answer that is kept and its effect commit together, and a command that
/// was refused leaves nothing behind. Where two transactions meet on a key, the later fails with a unique violation,
/// unless a lock that both need keeps it from asking before the other has ended.
package struct IdempotentBatch: Sendable {
    private let commands: [IdempotentCommand]

    /// - Parameter commands: no two with the same key of the same caller; see ``isSame(_:_:)``.
    package init(_ commands: [IdempotentCommand]) { self.commands = commands }

    /// Whether one of the two would get the other's answer.
    package static func isSame(_ one: IdempotentCommand, _ other: IdempotentCommand) -> Bool {
        one.key == other.key && one.caller == other.caller && one.route == other.route
    }

    /// Asks which of them were carried out before; what comes back is for ``known(_:)``.
    package var question: PostgresQuery {
        // The limit makes each a look-up by the key, whatever the planner believes of how many answers are kept: a plan
        // from when there were few walked through all of them for each batch.
        """
        select asked.place, c.body_sha256, c.status, c.location, c.etag, c.content_type, c.body
        from unnest(\(commands.map(\.caller)), \(commands.map(\.route)), \(commands.map(\.key)))
            with ordinality as asked (caller, route, key, place)
        cross join lateral (
            select * from http_commands h
            where h.caller = asked.caller and h.route = asked.route and h.key = asked.key limit 1) c
        """
    }

    /// What those that were carried out before are answered, by their place; of another body under the same key the
    /// refusal.
    /// - Parameter rows: the answer to ``question``.
    package func known(_ rows: PostgresRows) throws(PostgresError) -> [Int: Result<Response, Problem>] {
        var known: [Int: Result<Response, Problem>] = [:]
        for row in rows {
            let place = Int(try row.get("place", as: Int64.self)) - 1
            guard try row.get("body_sha256", as: [UInt8].self) == commands[place].bodyHash else {
                known[place] = .failure(IdempotentCommand.reused)
                continue
            }
            known[place] = .success(try CommandResponse(row).response(isReplay: true))
        }
        return known
    }

    /// Keeps the answers of those that took effect now; the statement goes out with COMMIT.
    /// - Parameter answers: by place.
    package func keep(_ answers: [Int: CommandResponse], in transaction: PostgresTransaction) async throws {
        let places = answers.keys.sorted()
        guard !places.isEmpty else { return }
        let kept = places.compactMap { answers[$0] }
        let asked = places.map { commands[$0] }
        try await transaction.enqueue(
            """
            insert into http_commands (caller, route, key, body_sha256, status, location, etag, content_type, body)
            select * from unnest(\(asked.map(\.caller)), \(asked.map(\.route)), \(asked.map(\.key)),
                \(asked.map(\.bodyHash)), \(kept.map { Int16($0.status.code) }), \(kept.map(\.location)),
                \(kept.map(\.etag)), \(kept.map(\.contentType)), \(kept.map(\.body)))
            """)
    }
}

extension CommandResponse {
    /// As it is kept in `http_commands`.
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            status: HTTPResponse.Status(code: Int(try row.get("status", as: Int16.self))),
            location: try row.get("location"), etag: try row.get("etag"), contentType: try row.get("content_type"),
            body: try row.get("body"))
    }

    /// The answer to the one who is answered first.
    package var firstResponse: Response { response(isReplay: false) }
}
