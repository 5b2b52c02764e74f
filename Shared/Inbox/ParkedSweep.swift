import Events
import FoundationEssentials
import Postgres

/// Tries parked events again whose time has come: what was not ready, and as a net what a lost wake-up left behind.
///
/// Candidates are chosen without a lock and then locked one by one, the subject's row before any parked one, as
/// everybody does. What another replica works on is skipped: whoever holds a subject drains it.
struct ParkedSweep {
    private static let candidateCountMax = 200

    let pool: PostgresPool
    let handlers: HandlerTable
    let metrics: InboxMetrics

    /// - Parameter bury: takes an event that failed for good.
    /// - Returns: the number of subjects and events that were tried.
    func run(bury: (UUID, PermanentFailure) async throws -> Void) async throws -> Int {
        var triedCount = 0
        var keys: Set<OrderKey> = []
        for candidate in try await candidates() {
            guard !candidate.isOrdered || keys.insert(candidate.key).inserted else { continue }
            do {
                guard let effects = try await retry(candidate) else { continue }
                metrics.record(effects)
                triedCount += 1
            } catch let failure as HandlerFailure {
                try await bury(failure.eventID ?? candidate.id, failure.permanent)
                triedCount += 1
            } catch {
                switch FailureKind(error) {
                case .stop, .outage: throw error
                // In conflict with somebody: it is still due at the next pass.
                case .conflict: metrics.retry(.conflict)
                case .permanent: try await setAside(candidate, error, bury: bury)
                }
            }
        }
        return triedCount
    }

    /// The commit failed, so nobody names the event at fault. Of a subject's run it may be any: the run waits, and the
    /// sweep goes on to the others.
    private func setAside(
        _ candidate: ParkedStore.Candidate, _ error: any Error, bury: (UUID, PermanentFailure) async throws -> Void
    ) async throws {
        let failure = HandlerFailure(eventID: candidate.id, error: error).permanent
        guard candidate.isOrdered else { return try await bury(candidate.id, failure) }
        try await pool.query(
            """
            update inbox_parked set attempts = attempts + 1, next_attempt_at = now() + interval '5 minutes',
                reason = \(failure.reason)
            where owner = \(candidate.key.owner.rawValue) and stream = \(candidate.key.stream)
                and subject = \(candidate.key.subject) and next_attempt_at <= now()
            """)
    }

    private func candidates() async throws(PostgresError) -> [ParkedStore.Candidate] {
        let rows = try await pool.query(
            """
            select id, owner, stream, subject, is_ordered from inbox_parked
            where next_attempt_at <= now() order by next_attempt_at limit \(Self.candidateCountMax)
            """)
        var candidates: [ParkedStore.Candidate] = []
        for row in rows {
            let key = OrderKey(
                owner: try row.get("owner"), stream: try row.get("stream"), subject: try row.get("subject"))
            candidates.append(
                ParkedStore.Candidate(id: try row.get("id"), key: key, isOrdered: try row.get("is_ordered")))
        }
        return candidates
    }

    /// - Returns: nil when somebody else has it.
    private func retry(_ candidate: ParkedStore.Candidate) async throws -> InboxEffects? {
        try await pool.withTransaction { transaction in
            var work = InboxTransaction(transaction, handlers)
            guard candidate.isOrdered else {
                guard let parked = try await ParkedStore(transaction).due(candidate.id) else { return nil }
                return try await work.resume(parked.message)
            }
            guard let place = try await InboxStore(transaction).lockIfFree(candidate.key) else { return nil }
            return try await work.resume(candidate.key, place)
        }
    }
}
