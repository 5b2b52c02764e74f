import Events
import FoundationEssentials
import Postgres

/// Where the transactions of the inbox run: ``PostgresInboxDatabase``, or a model of it that a simulation can break.
protocol InboxDatabase {
    associatedtype Session: InboxSession
    func withTransaction<R>(_ body: (Session) async throws -> R) async throws -> R
    /// How many of these events are received by now.
    func receiptCount(of ids: Set<UUID>) async throws -> Int
}

extension InboxDatabase {
    /// Runs the transaction of a batch. When nobody knows whether it was committed, its new receipts tell. All of them
    /// must be there: a single one could be another replica's, which got a copy of the message and applied or buried
    /// it, while our transaction was undone. When one is missing (yet), running it again is safe, because the receipts
    /// decide.
    func apply(_ messages: ArraySlice<InboundMessage>, _ handlers: HandlerTable) async throws -> InboxEffects {
        var fresh: Set<UUID> = []
        var effects = InboxEffects()
        do {
            return try await withTransaction { session in
                var work = InboxTransaction(session, handlers)
                effects = try await work.apply(messages) { fresh = $0 }
                return effects
            }
        } catch let error as PostgresError where error.code == .commitUnknown {
            guard try await receiptCount(of: fresh) == fresh.count else { throw error }
            return effects
        }
    }
}

/// The service's database, with its handlers.
struct PostgresInboxDatabase: InboxDatabase {
    let pool: PostgresPool
    let handlers: HandlerTable

    func withTransaction<R>(_ body: (PostgresInboxSession) async throws -> R) async throws -> R {
        try await pool.withTransaction { try await body(PostgresInboxSession($0, handlers)) }
    }

    func receiptCount(of ids: Set<UUID>) async throws -> Int {
        try await pool.query("select from inbox where id = any(\(Array(ids)))").count
    }
}
