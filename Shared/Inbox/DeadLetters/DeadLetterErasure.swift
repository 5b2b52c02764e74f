package import Events
package import FoundationEssentials
package import Postgres

/// Takes what a person took back out of dead letters, which hold bodies as they were received: also out of those that
/// were settled, since their bodies stay.
package enum DeadLetterErasure {
    /// - Parameters:
    ///   - identifiers: of what was taken back; a body that holds none of them stays as it is.
    ///   - types: of events that tell it.
    ///   - session: the transaction of the event that takes it back.
    ///   - body: the same without it; nil for one that cannot be read, of which nothing is kept.
    /// - Returns: how many letters were changed.
    @discardableResult
    package static func erase(
        _ identifiers: [UUID], from types: [EventType], in session: PostgresTransaction,
        body: (_ body: [UInt8]) -> [UInt8]?
    ) async throws(PostgresError) -> Int {
        guard !identifiers.isEmpty else { return 0 }
        let rows = try await session.query(
            """
            select d.id, d.body from dead_letters as d
            where d.type = any(\(types.map(\.name))) and exists (
                select from unnest(\(identifiers.map(\.lowercase))) as k (text)
                where position(convert_to(k.text, 'UTF8') in d.body) > 0
            )
            order by d.id for update
            """)
        var (ids, bodies): ([Int64], [[UInt8]]) = ([], [])
        for row in rows {
            let before: [UInt8] = try row.get("body")
            let after = body(before) ?? []
            guard after != before else { continue }
            ids.append(try row.get("id"))
            bodies.append(after)
        }
        guard !ids.isEmpty else { return 0 }
        try await session.query(
            """
            update dead_letters as d set body = k.body, erased_at = clock_timestamp()
            from unnest(\(ids), \(bodies)) as k (id, body) where d.id = k.id
            """)
        return ids.count
    }
}
