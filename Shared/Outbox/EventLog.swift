package import FoundationEssentials
package import Postgres

/// The only way to publish: events become rows of the log and of the outbox in the transaction of the command that
/// caused them, and the relay brings them to the broker after the commit.
package enum EventLog {
    /// Per call; a command that has more to say says it in several calls of the same transaction.
    package static let eventCountMax = 10_000

    /// Appends events with one statement. Each gets the next number of its subject in its stream, events of one subject
    /// in the order given. The subjects' rows stay locked until the transaction ends.
    ///
    /// In a transaction the statement goes out with the next one or with COMMIT: it costs no round trip, holds its
    /// locks for a shorter time, and what it fails with comes from there.
    /// - Parameter session: the transaction of the command.
    /// - Returns: the events' ids, in the order given.
    /// - Throws: ``EventLogError`` before anything is sent, or `PostgresError`.
    @discardableResult
    package static func append(_ events: [NewEvent], in session: some PostgresSession) async throws -> [UUID] {
        guard !events.isEmpty else { return [] }
        guard events.count <= eventCountMax else {
            let reason = "\(events.count) in one call, \(eventCountMax) are allowed"
            throw EventLogError(code: .tooManyEvents, type: nil, reason: reason)
        }
        // Most commands say one thing, and without arrays and joins the server has a quarter less to do.
        let insert = events.count == 1 ? try events[0].insert : try EventColumns(events).insert
        try await session.enqueue(insert)
        return events.map(\.id)
    }
}
