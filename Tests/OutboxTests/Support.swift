import Events
import Foundation
import Logging
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import TestSupport

/// A type that nobody follows.
struct RumourSpread: EventPayload {
    static let type = EventType(.feedback, "rumour", "spread")
    var position: Int64
}

/// Lends a database with the outbox's tables.
func withOutbox(_ body: (PostgresPool) async throws -> Void) async throws {
    try await withDatabase(schema: "feedback", migrations: OutboxSchema.migrations, connectionCountMax: 12) { pool, _ in
        try await body(pool)
    }
}

/// Quick reactions, so that no test waits for a poll.
var quickSettings: RelaySettings {
    var settings = RelaySettings()
    settings.pollInterval = .milliseconds(10)
    settings.rescanInterval = .milliseconds(10)
    settings.standbyInterval = .milliseconds(20)
    settings.publishDeadline = .seconds(10)
    return settings
}

/// Runs a relay in a service group while the closure runs; the group is shut down gracefully after it.
func withRelay<R: Sendable>(
    _ pool: PostgresPool, _ publisher: some MessagePublisher, settings: RelaySettings = quickSettings,
    wakeUp: RelayWakeUp = RelayWakeUp(), _ body: (ServiceGroup) async throws -> R
) async throws -> R {
    let relay = OutboxRelay(
        owner: .feedback, pool: pool, publisher: publisher, wakeUp: wakeUp, settings: settings,
        logger: TestBroker.quietLogger)
    let group = ServiceGroup(services: [relay], logger: TestBroker.quietLogger)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let result: Result<R, any Error>
        do { result = .success(try await body(group)) } catch { result = .failure(error) }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try result.get()
    }
}

extension PostgresPool {
    func count(_ table: StaticString) async throws -> Int {
        let rows =
            switch "\(table)" {
            case "outbox": try await query("select count(*) as n from outbox")
            case "events": try await query("select count(*) as n from events")
            default: try await query("select count(*) as n from events_personal")
            }
        return try rows[0].get("n")
    }

    /// Appends one event in a transaction of its own.
    @discardableResult
    func append(_ events: NewEvent...) async throws -> [UUID] {
        try await withTransaction { try await EventLog.append(events, in: $0) }
    }

    func append(milestonesOf subject: String, count: Int) async throws {
        for _ in 0..<count { try await append(EventBuilders.new(EventBuilders.milestoneReached(), subject: subject)) }
    }

    /// Ends the connection of the relay that holds the leader's lock, as the server sees it.
    func killLeader() async throws {
        try await query(
            """
            select pg_terminate_backend(l.pid) from pg_locks as l join pg_database as d on d.oid = l.database
            where l.locktype = 'advisory' and l.granted and d.datname = current_database()
            """)
    }

    func waitUntilPublished() async throws {
        try await waitUntil("the outbox is empty") { try await count("outbox") == 0 }
    }
}

extension OutgoingMessage {
    /// Subject and sequence, `a 3`.
    var place: String {
        guard let envelope = try? EventEnvelope(decoding: body) else { return "not an envelope" }
        return "\(envelope.subject) \(envelope.sequence)"
    }
}

extension [OutgoingMessage] {
    /// The sequences of one subject in the order of publishing.
    func sequences(of subject: String) -> [Int] {
        compactMap { message in
            let parts = message.place.split(separator: " ")
            return parts.first.map(String.init) == subject ? parts.last.flatMap { Int($0) } : nil
        }
    }
}

extension PostgresTransaction {
    /// Appends and waits until the server has done it: the position is drawn, the subject locked.
    func appendNow(_ events: NewEvent...) async throws {
        try await EventLog.append(events, in: self)
        try await query("select")
    }
}
