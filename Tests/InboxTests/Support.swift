import Events
import Foundation
import Inbox
import Migrations
import Outbox
import Postgres
import RabbitMQ
import Synchronization
import TestSupport

/// A listener's database: inbox, outbox, and a table where handlers leave what they did, in the order of doing.
let listenerMigrations =
    OutboxSchema.migrations + InboxSchema.migrations + [
        MigrationFile(
            component: "tests", name: "0001-effects",
            sql: """
                create table effects (
                    place bigint generated always as identity primary key,
                    event_id uuid not null, subject text not null, sequence bigint not null
                );
                -- Fails at the commit, where nobody can tell which event it was.
                create table late_failures (one integer unique deferrable initially deferred)
                """)
    ]

func withInbox(connectionCountMax: Int = 12, _ body: (PostgresPool) async throws -> Void) async throws {
    try await withDatabase(
        schema: "reporting", migrations: listenerMigrations, connectionCountMax: connectionCountMax
    ) { pool, _ in try await body(pool) }
}

/// Patience for tests: a failure shows at once.
var impatientSettings: InboxSettings {
    var settings = InboxSettings()
    settings.conflictAttemptCountMax = 2
    settings.outagePatience = .milliseconds(200)
    settings.sweepInterval = .milliseconds(20)
    return settings
}

func makeInbox(
    _ pool: PostgresPool, _ handlers: [EventHandler], settings: InboxSettings = InboxSettings()
) -> InboxProcessor {
    InboxProcessor(pool: pool, handlers: handlers, settings: settings, logger: TestBroker.quietLogger)
}

/// Leaves a row per event.
func note(_ event: InboundEvent, _ session: PostgresTransaction) async throws {
    try await session.query(
        "insert into effects (event_id, subject, sequence) values (\(event.id), \(event.subject), \(event.sequence))")
}

/// Notes every milestone.
func noteMilestones(_ order: HandlerOrder = .inSequence) -> EventHandler {
    .on(MilestoneReached.self, order: order) { _, event, transaction in
        try await note(event, transaction)
        return .applied
    }
}

/// Milestones of a subject with these sequences.
func milestones(_ sequences: some Sequence<Int64>, of subject: String = "a") throws -> [OutgoingMessage] {
    try sequences.map { sequence in
        try EventBuilders.message(EventBuilders.milestoneReached("m\(sequence)"), subject: subject, sequence: sequence)
    }
}

extension InboxProcessor {
    func process(_ messages: [OutgoingMessage], deliveryCount: Int = 0) async throws {
        try await process(EventBuilders.batch(messages, deliveryCount: deliveryCount))
    }
}

/// What lies among the dead letters.
struct DeadLetter: Equatable {
    let failureClass: String
    let reason: String
    let body: [UInt8]
    let sequence: Int64?
}

extension PostgresPool {
    /// The sequences of a subject in the order in which they took effect.
    func effects(of subject: String = "a") async throws -> [Int64] {
        try await query("select sequence from effects where subject = \(subject) order by place").map {
            try $0.get("sequence")
        }
    }

    func effectCount() async throws -> Int { try await query("select count(*) as n from effects")[0].get("n") }
    func receiptCount() async throws -> Int { try await query("select count(*) as n from inbox")[0].get("n") }

    /// Sequence and cause of what is parked: `3 predecessor`.
    func parked(_ subject: String = "a") async throws -> [String] {
        try await query(
            "select sequence, waits_for from inbox_parked where subject = \(subject) order by sequence"
        ).map { "\(try $0.get("sequence", as: Int64.self)) \(try $0.get("waits_for", as: String.self))" }
    }

    func deadLetters() async throws -> [DeadLetter] {
        try await query("select class, reason, body, sequence from dead_letters order by id").map {
            DeadLetter(
                failureClass: try $0.get("class"), reason: try $0.get("reason"), body: try $0.get("body"),
                sequence: try $0.get("sequence"))
        }
    }

    /// Lets the time of all parked events come, now or so many seconds later.
    func makeParkedDue(in seconds: Double = 0) async throws {
        try await query(
            """
            update inbox_parked set next_attempt_at = now() + \(seconds) * interval '1 second'
            where next_attempt_at < 'infinity'
            """)
    }
}

/// A value that handlers and tests share.
final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value { state.withLock { $0 } }
    func change<R: Sendable>(_ body: @Sendable (inout Value) -> R) -> R { state.withLock { body(&$0) } }
}
