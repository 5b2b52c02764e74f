/// What the active relay asks of the database: ``OutboxStore``, or a model of it that a simulation can slow down, mix
/// up and break.
protocol OutboxQueue: Sendable {
    func prepareSession() async throws
    /// Deletes, and then reads the rows behind the cursor and those of the missing positions that have appeared, in
    /// their order and in one round trip.
    mutating func look(_ look: OutboxLook) async throws -> [OutboxRow]
    mutating func positions(after cursor: Int64, limit: Int) async throws -> [Int64]
    func queued(_ positions: [Int64]) async throws -> [Int64]
    func snapshot() async throws -> TransactionSnapshot
    mutating func rows(at positions: [Int64]) async throws -> [OutboxRow]
    func predecessors(of rows: [OutboxRow]) async throws -> [(of: Int64, at: Int64)]
    func delete(_ positions: [Int64]) async throws
    func backlog() async throws -> OutboxStore.Backlog
}

/// A look at the outbox.
struct OutboxLook: Sendable {
    let cursor: Int64
    /// Of rows behind the cursor.
    let limit: Int
    /// Positions below the cursor that were drawn and not seen.
    let missing: [Int64]
    /// What the broker has confirmed.
    let published: [Int64]
}

/// The time by which the active relay waits and repeats.
protocol RelayTime: Sendable {
    var now: ContinuousClock.Instant { get }
    /// Of a random delay between two bounds.
    func milliseconds(in range: ClosedRange<Int>) -> Int
    func sleep(for duration: Duration) async throws
}

struct SystemTime: RelayTime {
    var now: ContinuousClock.Instant { .now }
    func milliseconds(in range: ClosedRange<Int>) -> Int { .random(in: range) }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
